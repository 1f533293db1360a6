"""AWS list prices in USD, us-east-1; free tiers and volume discounts left out.

DynamoDB's prices are those since November 2024; SQS's and Lambda's are of mid-2026, from others' summaries of the price
lists; EventBridge's is from memory. No code here reads AWS's price lists: check the prices before a decision depends on
them.
"""

from __future__ import annotations

from dataclasses import dataclass

MILLION = 1_000_000
WRITE_UNIT = 0.625 / MILLION  # DynamoDB on-demand, standard class
READ_UNIT = 0.125 / MILLION
SQS_REQUEST = 0.40 / MILLION  # standard queue; one request for each 64 KB begun
SQS_FIFO_REQUEST = 0.50 / MILLION
LAMBDA_REQUEST = 0.20 / MILLION
LAMBDA_GB_SECOND = 0.0000133334  # arm64, first tier
BUS_EVENT = 1.00 / MILLION  # EventBridge custom event, one for each 64 KB begun
CHUNK_BYTES = 64 * 1024


@dataclass
class Bill:
    """Usage of a stretch of traffic, by part."""

    write_units: float = 0
    read_units: float = 0
    entry_write_units: float = 0
    sqs_requests: float = 0
    fifo_requests: float = 0
    invocations: int = 0
    gb_seconds: float = 0
    bus_events: int = 0

    def parts(self) -> dict[str, float]:
        """Return USD by part."""
        return {
            "progress_writes": self.write_units * WRITE_UNIT,
            "reads": self.read_units * READ_UNIT,
            "entries": self.entry_write_units * WRITE_UNIT,
            "sqs": self.sqs_requests * SQS_REQUEST,
            "sqs_fifo": self.fifo_requests * SQS_FIFO_REQUEST,
            "lambda_requests": self.invocations * LAMBDA_REQUEST,
            "lambda_gb_seconds": self.gb_seconds * LAMBDA_GB_SECOND,
            "bus": self.bus_events * BUS_EVENT,
        }


def requests_of(size_bytes: int) -> int:
    """Return the number of requests that SQS bills for a call with a payload of this size."""
    return max(1, -(-size_bytes // CHUNK_BYTES))
