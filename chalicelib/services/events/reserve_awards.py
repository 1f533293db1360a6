"""Reserve the points of awards on their granter's day, once for each award, before anything is queued.

A key is the granter's own, in one realm with the idempotency keys of the other operations. What is remembered under it
and the points on the granter's day are one atomic write, so the day counts each award once, however often it is sent,
and an award that was accepted is within the bound when the worker comes to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.core.errors import ConflictingState, InvalidRequest, LostRace, TooManyRequests
from chalicelib.domain.core.periods import DAY_MS, day_of
from chalicelib.domain.events.event import LOG_DAYS
from chalicelib.services.context import Context
from chalicelib.services.core.idempotency import Asked
from chalicelib.services.core.retry_until_known import settle
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.identity.owners import owner_of
from chalicelib.store.core.idempotency_keys import Remembered, read_request, remember, request_key
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.outcomes import Unknown
from chalicelib.store.core.transaction import MAX_ITEMS, Transaction
from chalicelib.store.events.awards import add_granted, granter_key, read_granted

# As long as the worker knows an award again: until then it would ignore another one under the same key.
KEPT_MS = LOG_DAYS * DAY_MS
# In one write, beside the granter's day.
MAX_AT_ONCE = MAX_ITEMS - 1
# Another award has the key for 90 days: a write that was not answered finds it taken.
FINAL = ("idempotency_conflict",)
AT = "at"


@dataclass(frozen=True, slots=True)
class AwardAsked:
    """One award. `key`: what its granter knows it by; `members`: what it says; `id`: as answers show it."""

    key: str
    id: str
    points: int
    members: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reserved:
    """When an award was accepted first (ms). `replayed`: before this request."""

    at_ms: int
    replayed: bool


def reserve_awards(context: Context, caller: Caller, awards: Sequence[AwardAsked]) -> list[Reserved]:
    """Remember each award under its key and add its points to the caller's day; what is known already is left as it is.

    Raises ConflictingState (`idempotency_conflict`) if a key is another award's, TooManyRequests (`award_bound`) if the
    day has no room for all of them, InvalidRequest (`award_bound`) if no day has, and what `settle` raises. An award
    that is reserved and never queued keeps its points of the day until it is sent again: the process died, or others
    took the room between two writes, of which more than 99 awards take several.
    """
    account = owner_of(context, caller).account
    asked = {each.key: Asked(account, each.key, "award", each.members) for each in awards}
    for each in awards:
        if asked[each.key].members != each.members:
            raise _conflict(each)
    known: dict[str, int] = {}
    tried: set[tuple[str, int]] = set()
    settle(context, lambda: _reserve(context, caller, awards, asked, known, tried), final=FINAL)
    return [Reserved(known[each.key], (each.key, known[each.key]) not in tried) for each in awards]


def _reserve(
    context: Context,
    caller: Caller,
    awards: Sequence[AwardAsked],
    asked: dict[str, Asked],
    known: dict[str, int],
    tried: set[tuple[str, int]],
) -> None:
    """One reading, then as many writes as the awards take that nobody has reserved yet.

    `tried`: key and time of what this request has reserved, or may have: that is no replay.
    """
    now_ms = context.now_ms()
    day = day_of(now_ms)
    rows = {key: request_key(each.account, key) for key, each in asked.items()}
    items = context.table.get_many([*rows.values(), granter_key(caller.player, day)])
    new = {
        each.key: each for each in awards if not _known(each, asked[each.key], items.get(rows[each.key]), now_ms, known)
    }
    if new:
        granted = read_granted(items.get(granter_key(caller.player, day)))
        _check_bound(context, caller, sum(abs(each.points) for each in new.values()), granted, now_ms)
    left = list(new.values())
    while left:
        part, left = left[:MAX_AT_ONCE], left[MAX_AT_ONCE:]
        mine = {each.key: now_ms for each in part}
        tx = context.table.transaction()
        _add(tx, context, caller, part, asked, rows, now_ms)
        try:
            tx.commit()
        except Unknown:
            tried.update(mine.items())
            raise
        tried.update(mine.items())
        known |= mine


def _known(award: AwardAsked, asked: Asked, item: Item | None, now_ms: int, known: dict[str, int]) -> bool:
    remembered = read_request(item, now_ms)
    if remembered is None:
        return False
    if remembered.taken:
        raise LostRace("the key is taken for a moment")
    if remembered.asked != asked.digest:
        raise _conflict(award)
    known[award.key] = int(remembered.outcome[AT])
    return True


def _check_bound(context: Context, caller: Caller, points: int, granted: int, now_ms: int) -> None:
    most = context.rules.ruleset.awards.max_points_per_granter_and_day
    left = max(0, most - granted)
    if points > most:
        raise InvalidRequest(
            f"One may grant {most} points a day, not {points}.", code="award_bound", maximum=most, requested=points
        )
    if points > left:
        midnight = (day_of(now_ms) + 1) * DAY_MS
        raise TooManyRequests(
            f"'{caller.player}' may grant {left} more of {most} points today, not {points}.",
            code="award_bound",
            retry_after_s=-((now_ms - midnight) // 1000),
            maximum=most,
            left=left,
            requested=points,
        )


def _add(
    tx: Transaction,
    context: Context,
    caller: Caller,
    awards: Sequence[AwardAsked],
    asked: dict[str, Asked],
    rows: dict[str, Key],
    now_ms: int,
) -> None:
    most = context.rules.ruleset.awards.max_points_per_granter_and_day
    points = sum(abs(each.points) for each in awards)
    remembered = {each.key: Remembered(asked[each.key].digest, {AT: now_ms}) for each in awards}
    add_granted(tx, caller.player, day_of(now_ms), points, most)
    for key, what in remembered.items():
        remember(tx, rows[key], what, now_ms, kept_ms=KEPT_MS)


def _conflict(award: AwardAsked) -> ConflictingState:
    return ConflictingState(
        "Another request was made under this key, or under this reason and timestamp.",
        code="idempotency_conflict",
        award=award.id,
    )
