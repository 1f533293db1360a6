"""Players and their records in memory, treated as the `progress` worker treats them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.events.event import Delivery, Event, parse
from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.progress.apply_event import apply, duplicate_of, log_window
from chalicelib.domain.progress.effect import Applied
from chalicelib.domain.progress.log import Entry, Records
from chalicelib.domain.progress.player import Player, shorten
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.observed import observed

DAY = 86_400_000
HOUR = 3_600_000
MINUTE = 60_000
NOON = 1_779_192_000_000  # 2026-05-19T12:00:00Z, a Tuesday


class Desk:
    """A deployment in one process: each event is parsed, sought among duplicates, applied, committed.

    `backfill` lifts the age limit, so that histories of any length can be sent; `now_ms` is the commit's time.
    """

    def __init__(self, rules: Rules, now_ms: int = NOON) -> None:
        self.rules, self.now_ms = rules, now_ms
        self.players: dict[str, Player] = {}
        self.records: dict[str, Records] = {}
        self.granted: dict[tuple[str, int], int] = {}
        self.firsts: dict[str, str] = {}
        self.duplicates: list[tuple[Event, Entry]] = []
        self._ids = count()

    def event(
        self,
        type_: str = "request.completed",
        player: str = "ada",
        time_ms: int | None = None,
        data: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Event:
        """Return a CloudEvent after validation; `time_ms` defaults to now, other members override."""
        body = {
            "specversion": "1.0",
            "id": f"e{next(self._ids)}",
            "source": "gateway/eu-1",
            "type": type_,
            "subject": player,
            "time": moment_name(self.now_ms if time_ms is None else time_ms),
            "data": dict(data or {}),
        } | more
        return self.parse({name: value for name, value in body.items() if value is not None})

    def parse(self, body: Any, message_id: str = "m1", index: int = 0, received_ms: int | None = None) -> Event:
        received = self.now_ms if received_ms is None else received_ms
        delivery = Delivery(message_id, received, index, own=True, backfill=True)
        return parse(body, delivery, self.rules.settings, max(self.now_ms, received))

    def apply(self, event: Event) -> Applied | None:
        """Apply an event as one commit; None for a duplicate. Raise RejectedEvent."""
        records = self.records.setdefault(event.player, Records())
        records.granted, records.firsts = self.granted, self.firsts
        duplicate = duplicate_of(event, records)
        if duplicate:
            self.duplicates.append((event, duplicate[1]))
            return None
        player = self.players.get(event.player)
        if player is None:
            player = Player(event.player, Identity("account-" + event.player, "public-" + event.player, self.now_ms))
        window = log_window(player, event, records, self.rules)
        if window:
            records.used_models[event.identity] = records.model_used(shorten(event.payload.model or ""), *window)
        applied = apply(player, event, records, self.rules, self.now_ms)
        if applied.known:
            self.players[event.player] = player
            player.version += 1
            player.changed.clear()
            player.changed_days.clear()
        return applied

    def send(self, *args: Any, **kwargs: Any) -> Entry:
        """Make an event as `event` does and apply it; its entry in the log."""
        applied = self.apply(self.event(*args, **kwargs))
        assert applied is not None
        return applied.entry

    def outcome(self, event: Event) -> str:
        """Return the outcome of an event in the words of `Model.apply`."""
        known = len(self.duplicates)
        try:
            applied = self.apply(event)
        except RejectedEvent:
            return "rejected"
        if applied is None:
            assert len(self.duplicates) == known + 1
            return "duplicate" if self.duplicates[-1][1].body == event.body else "mismatch"
        return "applied" if applied.known else "unknown"

    def player(self, player: str = "ada") -> Player:
        return self.players[player]

    def observed(self, player: str = "ada") -> dict[str, Any]:
        return observed(self.players[player], self.records[player], self.rules)
