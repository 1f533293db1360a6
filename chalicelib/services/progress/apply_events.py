"""Apply events to players, exactly once, then send updates to boards and bus. The core of the `progress` worker.

A batch is grouped by player. Each player's events go into one or several atomic writes, on condition of the player's
version. The messages after a write are sent again for every duplicate, so a redelivery completes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.core.domain_event import DomainEvent
from chalicelib.domain.core.errors import LostRace, OutOfReach, RejectedEvent
from chalicelib.domain.core.periods import day_of, minute_of
from chalicelib.domain.events.event import Event
from chalicelib.domain.events.payloads import PLAYER_IMPORTED, Award, TransferReceived, TransferSent
from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.progress import scores
from chalicelib.domain.progress.apply_event import apply, duplicate_of, log_window
from chalicelib.domain.progress.domain_events import domain_events_of
from chalicelib.domain.progress.effect import Applied
from chalicelib.domain.progress.log import Entry, Records
from chalicelib.domain.progress.player import Player, shorten
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.domain.rules.criteria import claims_first
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.domain.rules.schema import MAX_ASSETS
from chalicelib.services.context import Context, OutOfTime
from chalicelib.services.progress.moved_scores import News, updates_to_publish
from chalicelib.services.progress.publish_scores import send_updates
from chalicelib.store.core.outcomes import Unknown
from chalicelib.store.progress.commit import EVENT_ITEMS, MAX_ITEMS, Write, add_write, most_items, note_written
from chalicelib.store.progress.players import load_players
from chalicelib.store.progress.records import RecordsToLoad, load_records, model_in_log

MAX_CONFLICTS = 5
# Reserve for the updates to boards and bus: without them no message of the finished players is acknowledged.
ANNOUNCE_MS = 10_000


@dataclass(slots=True)
class Outcome:
    """The result of one player's events. `failed`: why none of them may be acknowledged (a lost race or an error)."""

    player: str
    events: list[Event]
    applied: list[Applied] = field(default_factory=list)
    duplicates: int = 0
    mismatches: int = 0
    unknown: list[str] = field(default_factory=list)
    rejected: list[tuple[Event, RejectedEvent]] = field(default_factory=list)
    updates: dict[str, BoardUpdate] = field(default_factory=dict)
    domain_events: list[DomainEvent] = field(default_factory=list)
    conflicts: int = 0
    failed: Exception | None = None

    @property
    def xp_paid(self) -> int:
        return sum(applied.entry.xp for applied in self.applied if applied.entry.type != PLAYER_IMPORTED)


def apply_events(context: Context, events: Sequence[Event]) -> list[Outcome]:
    """Apply a batch; return one outcome per player. Updates to boards and bus are sent for all that did not fail.

    No player is started when the deadline is near. Players follow the order of their messages: the first ones get done.
    """
    groups: dict[str, list[Event]] = {event.player: [] for event in events}
    # Ordered by event time within the batch: a queue has no order, and late events cost more.
    for event in sorted(events, key=lambda event: event.time_ms):
        groups[event.player].append(event)
    try:
        readings = read_players(context, groups)
    except Exception:  # noqa: BLE001 - one unreadable player must not stop the others; each is read alone
        readings = {}

    def start(player: str) -> Outcome:
        if not context.has_time(ANNOUNCE_MS):
            return Outcome(player, groups[player], failed=OutOfTime())
        return apply_to_player(context, player, groups[player], readings.get(player))

    outcomes = context.each(start, groups)
    outcomes = [part for outcome in outcomes for part in _isolated(context, outcome)]
    announce(context, outcomes)
    return outcomes


Reading = tuple[Player, Records]


def _isolated(context: Context, outcome: Outcome) -> list[Outcome]:
    """Apply a player's messages one by one after an unexpected failure: only the faulty one fails."""
    messages: dict[str, list[Event]] = {}
    for event in outcome.events:
        messages.setdefault(event.message_id, []).append(event)
    if outcome.failed is None or isinstance(outcome.failed, LostRace | OutOfReach) or len(messages) == 1:
        return [outcome]
    return [apply_to_player(context, outcome.player, events, None) for events in messages.values()]


def read_players(context: Context, groups: dict[str, list[Event]]) -> dict[str, Reading]:
    """Read players, then the records that their events need: two rounds of batch reads for all of them."""
    found = load_players(context.table, list(groups))
    players = {player: found.get(player) or newcomer(context, player) for player in groups}
    required = {player: wants(group, context.rules) for player, group in groups.items()}
    records = load_records(context.table, required, players, context.now_ms())
    return {player: (players[player], records[player]) for player in groups}


def apply_to_player(context: Context, player: str, events: list[Event], reading: Reading | None) -> Outcome:
    """Apply one player's events; read again after a lost race or an unknown outcome. Gives up after five retries."""
    outcome = Outcome(player, events)
    for attempt in context.retry.tries(MAX_CONFLICTS + 1):
        try:
            fresh = reading or read_players(context, {player: events})[player]
            _apply_all(context, fresh, outcome)
            return outcome
        except (LostRace, Unknown) as lost:
            # If the write succeeded, the log shows the events as duplicates.
            outcome = Outcome(player, events, conflicts=attempt + 1, failed=lost)
            reading = None
        except Exception as error:  # noqa: BLE001 - this player's messages are delivered again; the others continue
            return Outcome(player, events, conflicts=attempt, failed=error)
    return outcome


def _apply_all(context: Context, reading: Reading, outcome: Outcome) -> None:
    player, records = reading
    news = News(scores.scores(player, sorted({day_of(event.time_ms) for event in outcome.events}), context.rules))
    pending: list[Applied] = []
    for event in outcome.events:
        try:
            duplicate = duplicate_of(event, records)
            if duplicate:
                _count_duplicate(context, outcome, event, duplicate)
                news.note_again(day_of(duplicate[0]), duplicate[1])
                continue
            applied = _apply_one(context, player, event, records)
        except RejectedEvent as rejection:
            outcome.rejected.append((event, rejection))
            continue
        pending.append(applied)
        outcome.applied.append(applied)
        if applied.known:
            news.touched.add(applied.day)
            news.note(applied.entry)
            outcome.domain_events += _domain_events(context, player.id, event.time_ms, applied.entry)
        else:
            outcome.unknown.append(event.type)
        if not _has_room(context, player, records, pending):
            commit(context, player, records, pending)
            pending = []
    if pending:
        commit(context, player, records, pending)
    if outcome.duplicates and not any(applied.known for applied in outcome.applied):
        # No write has checked the version that was read, and the log was read after the player. So the log may be
        # newer than this state, and the process that committed it may have died before it sent the state. A state that
        # is read after the log includes all of the log.
        player = read_players(context, {player.id: outcome.events})[player.id][0]
    if player.version:
        outcome.updates = updates_to_publish(context, player, news)
    outcome.failed = None


def _apply_one(context: Context, player: Player, event: Event, records: Records) -> Applied:
    window = log_window(player, event, records, context.rules)
    if window:
        model = shorten(event.payload.model or "")
        records.used_models[event.identity] = records.model_used(model, *window) or model_in_log(
            context.table, player.id, model, *window
        )
    return apply(player, event, records, context.rules, context.now_ms())


def commit(context: Context, player: Player, records: Records, pending: Sequence[Applied]) -> None:
    """Write a player with the changes and earnings of events, atomically.

    Raises LostRace if the player or a shared record was written since it was read.
    """
    write = _write(context, player, records, pending)
    tx = context.table.transaction()
    add_write(tx, write)
    if write.known:
        identity, earned = player.identity, [credit for applied in pending for credit in applied.credits]
        context.ledger.pay(tx, identity.account, identity.public, earned, write.ruleset, write.now_ms)
    tx.commit()
    note_written(write)


def _has_room(context: Context, player: Player, records: Records, pending: Sequence[Applied]) -> bool:
    """Return whether any one more event fits into the commit."""
    credits_ = sum(len(applied.credits) for applied in pending)
    items = most_items(_write(context, player, records, pending)) + context.ledger.items_per_credit * credits_
    return items + EVENT_ITEMS + context.ledger.items_per_credit * MAX_ASSETS <= MAX_ITEMS


def _write(context: Context, player: Player, records: Records, pending: Sequence[Applied]) -> Write:
    return Write(
        player=player,
        records=records,
        known=any(applied.known for applied in pending),
        now_ms=context.now_ms(),
        max_points_per_granter_and_day=context.rules.ruleset.awards.max_points_per_granter_and_day,
        ruleset=context.rules.version,
    )


def _count_duplicate(context: Context, outcome: Outcome, event: Event, duplicate: tuple[int, Entry]) -> None:
    time_ms, entry = duplicate
    outcome.duplicates += 1
    outcome.mismatches += entry.body != event.body
    outcome.domain_events += _domain_events(context, event.player, time_ms, entry)


def _domain_events(context: Context, player: str, time_ms: int, entry: Entry) -> list[DomainEvent]:
    reward = context.rules.ruleset.levels.reward
    return domain_events_of(player, time_ms, entry, reward.amount if reward else 0)


def announce(context: Context, outcomes: Sequence[Outcome]) -> None:
    """Send board updates and domain events. A failure fails all outcomes that have some."""
    done = [outcome for outcome in outcomes if outcome.failed is None]
    try:
        send_updates(context, [(board, update) for outcome in done for board, update in outcome.updates.items()])
        context.bus.publish([each for outcome in done for each in outcome.domain_events])
    except Exception as error:  # noqa: BLE001 - the messages are delivered again and send it again
        for outcome in done:
            if outcome.updates or outcome.domain_events:
                outcome.failed = error


def wants(events: Iterable[Event], rules: Rules) -> RecordsToLoad:
    """Return the records that these events may need."""
    want = RecordsToLoad(firsts={badge.id for badge in rules.ruleset.badges if claims_first(badge.criterion)})
    for event in events:
        want.minutes.add(minute_of(event.time_ms))
        want.days.add(day_of(event.time_ms))
        if event.type == PLAYER_IMPORTED:
            want.imports.add(event.id)
        elif event.keyed:
            want.keyed.add(event.identity)
        if isinstance(event.payload, TransferSent):
            want.pairs.add(event.payload.to)
        if isinstance(event.payload, TransferReceived):
            want.pairs.add(event.payload.sender)
        if isinstance(event.payload, Award) and not event.reserved:
            want.granters.add((event.payload.granted_by or event.source, day_of(event.received_ms)))
        for action, member in rules.once_per:
            # For events of any type: an event may also pay derived actions and bonuses.
            if event.given.get(member) is not None:
                want.once.add(f"{action}/{shorten(str(event.given[member]))}")
    return want


def newcomer(context: Context, player: str) -> Player:
    """Return a new player, who exists once this commit is written."""
    return Player(player, Identity(context.new_id(), context.new_id()[:16], context.now_ms()))
