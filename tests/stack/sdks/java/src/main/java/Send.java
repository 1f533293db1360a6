import software.amazon.awssdk.services.sqs.SqsClient;

/** Sends one event with the AWS SDK for Java (v2), configured by the environment only. */
public final class Send {
    public static void main(String[] arguments) {
        String body = "{\"type\": \"request.completed\", \"apiKeyId\": \"" + arguments[0] + "\", \"id\": \"java-1\"}";
        try (SqsClient client = SqsClient.create()) {
            client.sendMessage(
                    message -> message.queueUrl(System.getenv("LAUREL_EVENTS_QUEUE")).messageBody(body));
        }
    }
}
