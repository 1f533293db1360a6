"""Publish domain events on the EventBridge bus. PutEvents returns 200 with failed entries, which are retried."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.core.batches import batched
from chalicelib.domain.core.domain_event import DomainEvent
from chalicelib.domain.core.errors import OutOfReach
from chalicelib.gateways.calls import worth_another_try
from chalicelib.retry import OUT_OF_TIME, Retry

SOURCE = "laurel"
MAX_ENTRIES = 10
MAX_TRIES = 5


class NotPublished(OutOfReach):
    """The bus did not accept all events. Accepted ones may be sent again, with the same id."""


class EventBus:
    """An EventBridge bus, by name."""

    def __init__(self, client: Any, name: str, pause: Callable[[int], None]) -> None:
        self.client, self.name, self.retry = client, name, Retry(pause)

    def using(self, retry: Retry) -> EventBus:
        """Return the same bus with another retry policy."""
        bus = copy.copy(self)
        bus.retry = retry
        return bus

    def publish(self, domain_events: Sequence[DomainEvent]) -> None:
        """Publish all domain events. Raises NotPublished if any is not accepted in time."""
        entries = [
            {
                "Source": SOURCE,
                "DetailType": each.type,
                "Detail": msgspec.json.encode(each.body()).decode(),
                "EventBusName": self.name,
            }
            for each in domain_events
        ]
        for batch in batched(entries, MAX_ENTRIES):
            if not self.retry.has_time():
                raise NotPublished(OUT_OF_TIME)
            self._put(batch)

    def _put(self, pending: list[dict[str, str]]) -> None:
        reason = ""
        for _ in self.retry.tries(MAX_TRIES):
            try:
                answer = self.client.put_events(Entries=pending)
            except (ClientError, BotoCoreError) as error:
                reason = str(error)
                if not worth_another_try(error):
                    break
                continue
            if not answer.get("FailedEntryCount"):
                return
            results = answer["Entries"]
            reason = next((result["ErrorCode"] for result in results if result.get("ErrorCode")), "unknown")
            pending = [entry for entry, result in zip(pending, results, strict=True) if result.get("ErrorCode")]
        raise NotPublished(f"{len(pending)} events not accepted: {reason}")
