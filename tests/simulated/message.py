"""One SQS message, its attributes and checksums."""

from __future__ import annotations

import base64
import hashlib
import random
import struct
from typing import Any

from .errors import AwsError


def md5_of(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _md5_of_attributes(attributes: dict[str, Any]) -> str:
    def chunk(data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + data

    encoded = b""
    for name in sorted(attributes):
        value = attributes[name]
        encoded += chunk(name.encode()) + chunk(value["DataType"].encode())
        if "StringValue" in value:
            encoded += b"\x01" + chunk(value["StringValue"].encode())
        else:
            encoded += b"\x02" + chunk(base64.b64decode(value["BinaryValue"]))
    return hashlib.md5(encoded, usedforsecurity=False).hexdigest()


def invalid_parameter(message: str, code: str = "InvalidParameterValue") -> AwsError:
    return AwsError(code, message, legacy_code=code)


class Message:
    """One message. `visible_ms` is when it can be received again; `receipt` is the latest handle."""

    __slots__ = (
        "attributes",
        "body",
        "dead_from",
        "dedupe",
        "deleted",
        "first_received_ms",
        "group",
        "id",
        "md5",
        "md5_attributes",
        "receipt",
        "receive_count",
        "sent_ms",
        "sequence",
        "system",
        "visible_ms",
    )

    def __init__(self, entry: dict[str, Any], now_ms: int, rng: random.Random) -> None:
        bits = rng.getrandbits(128)
        text = f"{bits:032x}"
        self.id = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        self.body: str = entry["MessageBody"]
        self.md5 = md5_of(self.body)
        self.attributes: dict[str, Any] = entry.get("MessageAttributes") or {}
        self.md5_attributes = _md5_of_attributes(self.attributes) if self.attributes else ""
        self.system: dict[str, Any] = entry.get("MessageSystemAttributes") or {}
        self.sent_ms = now_ms
        self.group: str = entry.get("MessageGroupId", "")
        self.dedupe: str = ""
        self.sequence = ""
        self.receive_count = 0
        self.first_received_ms = 0
        self.visible_ms = now_ms
        self.receipt = ""
        self.dead_from = ""
        self.deleted = False

    def copy(self) -> Message:
        twin = object.__new__(Message)
        for name in Message.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.deleted, twin.receipt = False, ""
        return twin

    def system_attributes(self) -> dict[str, str]:
        found = {
            "ApproximateReceiveCount": str(self.receive_count),
            "SentTimestamp": str(self.sent_ms),
            "SenderId": "AIDASIMULATED",
            "ApproximateFirstReceiveTimestamp": str(self.first_received_ms),
        }
        if self.group:
            found["MessageGroupId"] = self.group
        if self.sequence:
            found["MessageDeduplicationId"] = self.dedupe
            found["SequenceNumber"] = self.sequence
        if self.dead_from:
            found["DeadLetterQueueSourceArn"] = self.dead_from
        if "AWSTraceHeader" in self.system:
            found["AWSTraceHeader"] = self.system["AWSTraceHeader"]["StringValue"]
        return found

    def wire(self, system_names: list[str], names: list[str]) -> dict[str, Any]:
        """Return the message as ReceiveMessage does; `names` are those of message attributes."""
        answer: dict[str, Any] = {
            "MessageId": self.id,
            "ReceiptHandle": self.receipt,
            "MD5OfBody": self.md5,
            "Body": self.body,
        }
        if system_names:
            system = self.system_attributes()
            answer["Attributes"] = (
                system if "All" in system_names else {n: system[n] for n in system_names if n in system}
            )
        every = "All" in names or ".*" in names
        chosen = {n: v for n, v in self.attributes.items() if every or n in names}
        if chosen:
            answer["MessageAttributes"] = chosen
            answer["MD5OfMessageAttributes"] = _md5_of_attributes(chosen)
        return answer
