"""SQS in process: the operations over `Queue`s (queue.py)."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from .calls import Call, Handler, Killed, missing_operation
from .errors import AwsError
from .message import Message, md5_of
from .queue import Queue

MAX_BATCH = 10
MAX_BATCH_BYTES = 1024 * 1024
REGION = "eu-central-1"
ACCOUNT = "123456789012"
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FAILED = {"SenderFault": False, "Code": "InternalError", "Message": "We encountered an internal error."}


class Sqs:
    """Queues by name, and the operations on them."""

    def __init__(self, rng: random.Random, past_ms: int = 0) -> None:
        """Make a service. `past_ms`: largest age of the numbers of messages in a stale answer."""
        self.rng = rng
        self.past_ms = past_ms
        self.queues: dict[str, Queue] = {}
        self._by_url: dict[str, Queue] = {}
        self._by_arn: dict[str, Queue] = {}
        self._handlers: dict[str, Handler] = {
            "CreateQueue": self._create,
            "GetQueueUrl": self._url,
            "ListQueues": self._list,
            "GetQueueAttributes": self._attributes,
            "SetQueueAttributes": self._set_attributes,
            "PurgeQueue": self._purge,
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "ChangeMessageVisibility": self._change,
            "ChangeMessageVisibilityBatch": self._change_batch,
        }

    def execute(self, operation: str, request: dict[str, Any], call: Call) -> dict[str, Any]:
        handler = self._handlers.get(operation)
        if handler is None:
            raise missing_operation(operation)
        return handler(request, call)

    def create(self, name: str, attributes: dict[str, str] | None = None) -> Queue:
        """Make a queue; return the existing one of that name."""
        if name not in self.queues:
            url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
            queue = Queue(name, url, f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", attributes or {})
            queue.past_ms = self.past_ms
            self.queues[name] = self._by_url[url] = self._by_arn[queue.arn] = queue
        return self.queues[name]

    def queue(self, url: Any) -> Queue:
        queue = self._by_url.get(url) or self.queues.get(str(url).rsplit("/", 1)[-1])
        if queue is None:
            raise AwsError(
                "QueueDoesNotExist",
                "The specified queue does not exist.",
                legacy_code="AWS.SimpleQueueService.NonExistentQueue",
            )
        return queue

    def take(self, queue: Queue, most: int, visibility_s: float | None, call: Call) -> list[Message]:
        """Receive messages, and move those received too often to the dead-letter queue."""
        target = self._by_arn.get(queue.redrive_arn)
        return queue.receive(call.now_ms, most, visibility_s, self.rng, target)

    # queues

    def _create(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        return {"QueueUrl": self.create(request["QueueName"], request.get("Attributes")).url}

    def _url(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        return {"QueueUrl": self.queue(request["QueueName"]).url}

    def _list(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        prefix = request.get("QueueNamePrefix", "")
        return {"QueueUrls": [q.url for name, q in sorted(self.queues.items()) if name.startswith(prefix)]}

    def _attributes(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        found = self.queue(request["QueueUrl"]).described(lambda: call.moment(self.past_ms))
        names = request.get("AttributeNames") or []
        return {"Attributes": found if "All" in names else {n: found[n] for n in names if n in found}}

    def _set_attributes(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.queue(request["QueueUrl"]).configure(request["Attributes"])
        return {}

    def _purge(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.queue(request["QueueUrl"]).purge(call.now_ms)
        return {}

    # sending

    def _send(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        queue = self.queue(request["QueueUrl"])
        return self._sent(queue, request, call)

    def _sent(self, queue: Queue, entry: dict[str, Any], call: Call) -> dict[str, Any]:
        message = queue.send(entry, call.now_ms, self.rng)
        answer = {"MessageId": message.id, "MD5OfMessageBody": md5_of(entry["MessageBody"])}
        if message.md5_attributes:
            answer["MD5OfMessageAttributes"] = message.md5_attributes
        if queue.fifo:
            answer["SequenceNumber"] = message.sequence
        return answer

    def _entries(self, request: dict[str, Any], call: Call) -> tuple[list[dict[str, Any]], set[int], int]:
        """Return the checked entries of a batch, those that a partial answer leaves out, and the number done."""
        entries = request.get("Entries") or []
        prefix = "AWS.SimpleQueueService."
        if not entries:
            raise AwsError("EmptyBatchRequest", "No entries", legacy_code=prefix + "EmptyBatchRequest")
        if len(entries) > MAX_BATCH:
            raise AwsError(
                "TooManyEntriesInBatchRequest",
                f"Maximum number of entries per request are {MAX_BATCH}. You have sent {len(entries)}.",
                legacy_code=prefix + "TooManyEntriesInBatchRequest",
            )
        ids = [entry["Id"] for entry in entries]
        if any(not _ENTRY_ID.fullmatch(entry_id) for entry_id in ids):
            raise AwsError("InvalidBatchEntryId", "Bad Id", legacy_code=prefix + "InvalidBatchEntryId")
        if len(set(ids)) != len(ids):
            raise AwsError(
                "BatchEntryIdsNotDistinct",
                "Two or more batch entries in the request have the same Id.",
                legacy_code=prefix + "BatchEntryIdsNotDistinct",
            )
        return entries, call.left_out(len(entries)), call.cut(len(entries))

    def _batch(self, request: dict[str, Any], call: Call, act: Any) -> dict[str, Any]:
        """Run `act` on every entry and sort the answers into Successful and Failed."""
        entries, left_out, done = self._entries(request, call)
        successful, failed = [], []
        for index, entry in enumerate(entries):
            if index == done:
                raise Killed
            if index in left_out:
                failed.append({"Id": entry["Id"], **_FAILED})
                continue
            try:
                successful.append({"Id": entry["Id"], **(act(entry) or {})})
            except AwsError as error:
                code = error.legacy_code or error.code
                failed.append({"Id": entry["Id"], "SenderFault": True, "Code": code, "Message": error.message})
        answer: dict[str, Any] = {"Successful": successful}
        if failed:
            answer["Failed"] = failed
        return answer

    def _send_batch(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        queue = self.queue(request["QueueUrl"])
        sizes = sum(len(entry["MessageBody"].encode()) for entry in request.get("Entries") or [])
        if sizes > MAX_BATCH_BYTES:
            raise AwsError(
                "BatchRequestTooLong",
                f"Batch requests cannot be longer than {MAX_BATCH_BYTES} bytes. You have sent {sizes} bytes.",
                legacy_code="AWS.SimpleQueueService.BatchRequestTooLong",
            )
        return self._batch(request, call, lambda entry: self._sent(queue, entry, call))

    # receiving

    def _receive(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        queue = self.queue(request["QueueUrl"])
        most = request.get("MaxNumberOfMessages", 1)
        if not 1 <= most <= MAX_BATCH:
            raise AwsError(
                "InvalidParameterValue",
                f"Value {most} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if "
                "provided.",
                legacy_code="InvalidParameterValue",
            )
        messages = self.take(queue, most, request.get("VisibilityTimeout"), call)
        system_names = [*(request.get("AttributeNames") or []), *(request.get("MessageSystemAttributeNames") or [])]
        named = request.get("MessageAttributeNames") or []
        return {"Messages": [m.wire(system_names, named) for m in messages]} if messages else {}

    def _delete(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        self.queue(request["QueueUrl"]).delete(request["ReceiptHandle"], call.now_ms)
        return {}

    def _delete_batch(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        queue = self.queue(request["QueueUrl"])
        return self._batch(request, call, lambda entry: queue.delete(entry["ReceiptHandle"], call.now_ms))

    def _change(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        queue = self.queue(request["QueueUrl"])
        queue.change_visibility(request["ReceiptHandle"], request["VisibilityTimeout"], call.now_ms)
        return {}

    def _change_batch(self, request: dict[str, Any], call: Call) -> dict[str, Any]:
        queue = self.queue(request["QueueUrl"])
        return self._batch(
            request,
            call,
            lambda entry: queue.change_visibility(
                entry["ReceiptHandle"], entry.get("VisibilityTimeout", 0), call.now_ms
            ),
        )


def lambda_event(queue: Queue, messages: list[Message]) -> dict[str, Any]:
    """Return the event with which Lambda hands received messages to a function."""
    return {"Records": [_record(queue, message) for message in messages]}


def _record(queue: Queue, message: Message) -> dict[str, Any]:
    record = {
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": message.system_attributes(),
        "messageAttributes": {
            name: {
                **({"stringValue": value["StringValue"]} if "StringValue" in value else {}),
                **({"binaryValue": value["BinaryValue"]} if "BinaryValue" in value else {}),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value["DataType"],
            }
            for name, value in message.attributes.items()
        },
        "md5OfBody": message.md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": REGION,
    }
    if message.md5_attributes:
        record["md5OfMessageAttributes"] = message.md5_attributes
    return json.loads(json.dumps(record))  # type: ignore[no-any-return]  # the handler's own copy
