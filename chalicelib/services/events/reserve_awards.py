"""Reserve the points of awards on their granter's day, once per award, before the awards are queued.

Keys belong to the granter and share a namespace with the idempotency keys of the other operations. One atomic write
stores the record of the key and adds the points to the granter's day. So the day counts each award once, even if it is
sent again, and an accepted award is within the bound when the worker applies it.
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

# As long as the worker detects duplicates of an award: until then it would ignore another award with the same key.
KEPT_MS = LOG_DAYS * DAY_MS
# Awards in one write. The granter's day takes one more item.
MAX_AT_ONCE = MAX_ITEMS - 1
# Another award holds the key for 90 days, so a write that was not answered fails.
FINAL = ("idempotency_conflict",)
AT = "at"


@dataclass(frozen=True, slots=True)
class AwardAsked:
    """A request to reserve an award. `key`: unique per granter; `members`: its content; `id`: the id in answers."""

    key: str
    id: str
    points: int
    members: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation. `at_ms`: when the award was first accepted. `replayed`: that was before this request."""

    at_ms: int
    replayed: bool


def reserve_awards(context: Context, caller: Caller, awards: Sequence[AwardAsked]) -> list[Reserved]:
    """Store each award under its key and add its points to the caller's day; skip awards that are stored already.

    Raises ConflictingState (`idempotency_conflict`) if another award has the key, TooManyRequests (`award_bound`) if
    the rest of the day's bound is too small for all of them, InvalidRequest (`award_bound`) if the whole bound is too
    small, and the errors of `settle`. A reserved award that was never queued keeps its points of the day until it is
    sent again. This happens if the process dies, or if other requests use up the bound between two writes: more than 99
    awards take several writes.
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
    """Read once, then write the awards that are not reserved yet, in as many writes as they need.

    `tried`: (key, time) of the awards that this request has reserved or may have reserved. These are no replays.
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
        raise LostRace("the key is in use")
    if remembered.asked != asked.digest:
        raise _conflict(award)
    known[award.key] = int(remembered.outcome[AT])
    return True


def _check_bound(context: Context, caller: Caller, points: int, granted: int, now_ms: int) -> None:
    most = context.rules.ruleset.awards.max_points_per_granter_and_day
    left = max(0, most - granted)
    if points > most:
        raise InvalidRequest(
            f"A granter may grant at most {most} points a day, not {points}.",
            code="award_bound",
            maximum=most,
            requested=points,
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
        "A different award was made under this key, or under this reason and timestamp.",
        code="idempotency_conflict",
        award=award.id,
    )
