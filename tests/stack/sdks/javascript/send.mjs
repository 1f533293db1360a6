// Send one event with the AWS SDK for JavaScript (v3), configured by the environment only.
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

const body = JSON.stringify({ type: "request.completed", apiKeyId: process.argv[2], id: "javascript-1" });
await new SQSClient({}).send(new SendMessageCommand({ QueueUrl: process.env.LAUREL_EVENTS_QUEUE, MessageBody: body }));
