// Send one event with the AWS SDK for Go (v2), configured by the environment only.
package main

import (
	"context"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	body := `{"type": "request.completed", "apiKeyId": "` + os.Args[1] + `", "id": "go-1"}`
	message := sqs.SendMessageInput{QueueUrl: aws.String(os.Getenv("LAUREL_EVENTS_QUEUE")), MessageBody: &body}
	if _, err := sqs.NewFromConfig(settings).SendMessage(ctx, &message); err != nil {
		log.Fatal(err)
	}
}
