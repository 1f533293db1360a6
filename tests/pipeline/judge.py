"""Is the table what the naive model says? Every difference is one sentence."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.core.periods import number_of, period_of
from chalicelib.domain.events import event as events
from chalicelib.domain.events.event import Delivery, Event
from chalicelib.domain.progress.domain_events import domain_events_of
from chalicelib.domain.progress.player import Player
from chalicelib.services.context import Context
from chalicelib.store.boards.models import ArchiveItem, EntryItem
from chalicelib.store.ledger.models import BalanceItem, PostingItem
from chalicelib.store.progress.models import LogItem
from chalicelib.store.progress.players import load_player
from chalicelib.store.progress.records import days_in, minute_from
from tests.domain.progress.model import IMPORTED, Model
from tests.domain.progress.observed import active_days
from tests.pipeline.history import Committed
from tests.pipeline.plant import TABLE, Plant
from tests.pipeline.ranked import index_findings
from tests.pipeline.traffic import HOUR_MS, Sent
from tests.simulated.message import Message

# From the first read to the write, one that comes after its caller has given up included.
LONGEST_COMMIT_MS = 120_000
# From the first message to the last.
LONGEST_RUN_MS = 3 * HOUR_MS

COMPARED = (
    "shown_as",
    "xp",
    "award_xp",
    "rewarded_level",
    "counters",
    "stats",
    "marks",
    "longest",
    "last_provider",
    "active_days",
)


def is_timeless(sent: Sent) -> bool:
    raw = json.loads(sent.body)
    return isinstance(raw, dict) and "apiKeyId" in raw and "time" not in raw and raw["id"].startswith("e")


@dataclass(frozen=True)
class Scene:
    """A deployment at rest.

    `items`: all of the table, in wire form. `rejected`: message bodies in that queue. `published`: ids of the domain
    events that the bus had. `received_ms`: a time at which everything sent could have been received; `received`:
    (queue, body) -> when it was, where that is known. `gave_up`: players of messages that became dead letters: no
    freeze waits for those, so boards may have been frozen before they were sent on.
    """

    context: Context
    items: Sequence[dict[str, Any]]
    rejected: Sequence[str]
    published: set[str]
    received_ms: int
    received: Mapping[tuple[str, str], Collection[int]] = field(default_factory=dict)
    gave_up: Collection[str] = ()


def scene_of(plant: Plant) -> Scene:
    rows = plant.world.dynamodb.tables[TABLE].rows.values()
    return Scene(
        plant.context,
        [row[0] for row in rows if row is not None],
        [message.body for message in plant.world.queue(plant.urls["rejected"]).messages()],
        {_id(event.detail) for event in plant.world.events.published},
        plant.began_ms + LONGEST_RUN_MS,
        plant.received,
        plant.gave_up,
    )


def findings(
    scene: Scene, commits: Sequence[Committed], messages: list[Sent], later: list[Sent] | None = None, era: int = 0
) -> list[str]:
    """Return all differences between the table and the model of the commits, and between the commits and the messages.

    `later`: the messages sent once more in this last `era`, after every dedupe record had expired.
    """
    sent, refused = _sent(scene, messages)
    model, found = replayed(scene, commits, messages)
    found += _missing(scene, sent, commits)
    found += _conflicts_not_recorded(scene, sent, commits)
    found += _missing_later(commits, later or [], era)
    items = _by_kind(scene)
    for player in sorted({player for player, *_ in sent}):
        found += _player(scene, model, player, items)
        if later is None:
            found += _log(model, player, items)
    found += _boards(scene, model, items)
    found += _ledger(scene, model, items)
    found += _published(scene, commits)
    if later is None:
        found += _rejections(scene, refused)
    return found


def indexes(scene: Scene) -> list[str]:
    """Return all differences between rank indexes of kept boards and their entries; needs the whole table."""
    items = _by_kind(scene)
    rows, now_s = [*items["BOARD"], *items["NODE"]], scene.context.now_ms() // 1000
    boards_ = {item["pk"]["S"].split("#", 1)[1].split("~")[0] for item in rows}
    return index_findings(scene.context, rows, [board for board in boards_ if not _has_expired(board, now_s)])


def archives(scene: Scene, ended: Sequence[str]) -> list[str]:
    """Return differences of archives: ended boards that were not closed, or with other scores."""
    items = _by_kind(scene)
    rows = {f"{item['pk']['S'].partition('#')[2]}#{item['sk']['S']}": item for item in items["ARCHIVE"]}
    found = [f"{board} was not closed" for board in ended if board not in rows or "done" not in rows[board]]
    scores = {(item["pk"]["S"].removeprefix("BOARD#"), item["public"]["S"]): item["score"] for item in items["BOARD"]}
    return found + [
        f"{board} was closed with a score of {place.score}, and has {scores.get((board, place.public))}"
        for board in ended
        if board in rows
        for place in ArchiveItem.from_raw_data(rows[board]).top
        if scores.get((board, place.public)) != {"N": str(place.score)}
    ]


def players_of(messages: Sequence[Message]) -> set[str]:
    """Return the players of the events in messages, as far as that can be read."""
    raws = [json.loads(message.body) for message in messages]
    each = [raw for body in raws for raw in (body if isinstance(body, list) else [body]) if isinstance(raw, dict)]
    named = [raw.get("subject") or raw.get("apiKeyId") or raw.get("properties", {}).get("username") for raw in each]
    return {name for name in named if isinstance(name, str)}


def replayed(scene: Scene, commits: Sequence[Committed], messages: list[Sent]) -> tuple[Model, list[str]]:
    """Return the model after all commits, and the commits that should not have been."""
    sent, _ = _sent(scene, messages)
    received = _received(scene)
    model = Model(scene.context.rules.ruleset)
    found: list[str] = []
    taken: dict[str, int] = {}
    for commit in commits:
        event = sent.get((commit.player, commit.entry.identity, commit.entry.body))
        if event is None:
            found.append(f"{commit.player}: {commit.entry.id} was committed, but never sent so")
            continue
        # An import is the same one in every era.
        renewed = commit.era and event.type != IMPORTED
        happened = replace(event, time_ms=_time(commit), id=f"{event.id}@{commit.era}" if renewed else event.id)
        times = received.get((commit.player, commit.entry.identity, commit.entry.body), {scene.received_ms})
        chosen = _on_this_receipt(model, happened, commit, times)
        if chosen is None:
            found.append(f"{commit.player}: {commit.entry.id} counts as late for {commit.entry.late}, received {times}")
        happened = chosen or happened
        with _firsts_it_saw(model, happened, commit, taken):
            applied = model.apply(happened, commit.at_ms)
        taken |= dict.fromkeys(model.firsts.keys() - taken.keys(), commit.at_ms)
        if applied not in ("applied", "unknown"):
            found.append(f"{commit.player}: {commit.entry.id} was committed twice")
    return model, found


@contextmanager
def _firsts_it_saw(model: Model, event: Event, commit: Committed, taken: Mapping[str, int]) -> Iterator[None]:
    """Hide the first player of a badge from the model where the commit read that there was none yet.

    A commit that claims no first place does not collide with a parallel commit that takes one, and counts as before it.
    """
    late = {
        badge: player
        for badge, player in model.firsts.items()
        if player != commit.player and commit.at_ms - taken[badge] < LONGEST_COMMIT_MS
    }
    if not late or _badges(model, event, commit) == commit.entry.badges:
        yield
        return
    model.firsts = {badge: player for badge, player in model.firsts.items() if badge not in late}
    yield
    model.firsts |= late


def _badges(model: Model, event: Event, commit: Committed) -> list[str]:
    """Return the badges that the event would earn."""
    trial = deepcopy(model)
    trial.apply(event, commit.at_ms)
    return sorted(trial.applied[commit.player][-1].badges, key=list(model.badges).index)


def _received(scene: Scene) -> dict[tuple[str, str, str], set[int]]:
    """Return (player, identity, body) -> all times at which the valid event was received."""
    found: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for (queue, body), times in scene.received.items():
        raws = json.loads(body)
        for sent_ms in times:
            for index, raw in enumerate(raws if isinstance(raws, list) else [raws]):
                delivery = Delivery("message", sent_ms, index, own=queue == "own", backfill=queue == "backfill")
                try:
                    event = events.parse(raw, delivery, scene.context.rules.settings, sent_ms)
                except RejectedEvent:
                    continue
                found[event.player, event.identity, event.body].add(event.received_ms)
    return found


def _on_this_receipt(model: Model, event: Event, commit: Committed, times: Collection[int]) -> Event | None:
    """Return the event as received at the one of the times that explains the boards its XP was too late for.

    Sent twice, it may have been in time once; it is committed once.
    """
    for time_ms in sorted(times):
        happened = replace(event, received_ms=time_ms)
        if not commit.entry.paid or model.late(happened) == commit.entry.late:
            return happened
    return None


def _sent(scene: Scene, messages: list[Sent]) -> tuple[dict[tuple[str, str, str], Event], Counter[str]]:
    """Return (player, identity, body) -> event of all valid ones sent, and the reasons of the invalid ones."""
    valid: dict[tuple[str, str, str], Event] = {}
    refused: Counter[str] = Counter()
    for sent in messages:
        raws = json.loads(sent.body)
        for index, raw in enumerate(raws if isinstance(raws, list) else [raws]):
            own, backfill = sent.queue == "own", sent.queue == "backfill"
            delivery = Delivery("message", scene.received_ms, index, own=own, backfill=backfill)
            try:
                event = events.parse(raw, delivery, scene.context.rules.settings, scene.received_ms)
            except RejectedEvent as error:
                refused[error.reason] += 1
                continue
            valid.setdefault((event.player, event.identity, event.body), event)
    return valid, refused


def _time(commit: Committed) -> int:
    return minute_from(f"LOG#{commit.minute}#0") * 60_000 + commit.entry.offset


def _missing(scene: Scene, sent: dict[tuple[str, str, str], Event], commits: Sequence[Committed]) -> list[str]:
    committed = {(one.player, one.entry.identity) for one in commits if one.era == 0}
    left = {name[:2]: event for name, event in sent.items() if name[:2] not in committed}
    nobody = _refused_of_unknown(scene)
    lost = [event for event in left.values() if event.type != "award" and (event.player, event.id) not in nobody]
    found = [f"{event.player}: {event.id} ({event.type}) was sent, and never applied" for event in lost]
    awards = {name: event for name, event in left.items() if event.type == "award"}
    refused = _refused_awards(scene)
    found += [
        f"{event.player}: award {event.id} was neither applied nor rejected"
        for (player, _), event in awards.items()
        if (player, event.data["reason"]) not in refused
    ]
    return found


def _conflicts_not_recorded(
    scene: Scene, sent: dict[tuple[str, str, str], Event], commits: Sequence[Committed]
) -> list[str]:
    """Check that each import with other figures than the committed ones is in a row of rejected messages."""
    committed = {(one.player, one.entry.identity): one.entry.body for one in commits if one.entry.type == IMPORTED}
    others = [name for name, event in sent.items() if event.type == IMPORTED and committed.get(name[:2]) != name[2]]
    recorded = [item for item in scene.items if '"import_conflict"' in item.get("rejections", {}).get("S", "")]
    return [f"{player}: an import with other figures was not rejected" for player, *_ in others if not recorded]


def _missing_later(commits: Sequence[Committed], later: list[Sent], era: int) -> list[str]:
    again = {(one.player, one.entry.id) for one in commits if one.era == era}
    raws = [json.loads(each.body) for each in later]
    return [
        f"{raw['apiKeyId']}: {raw['id']} came after its record had expired, and was not applied"
        for raw in raws
        if (raw["apiKeyId"], raw["id"]) not in again
    ]


def _rejected(scene: Scene) -> list[dict[str, Any]]:
    """Return the single events in the envelopes."""
    return [part for body in scene.rejected for part in json.loads(body)["events"]]


def _refused_of_unknown(scene: Scene) -> set[tuple[str, str]]:
    """Return (player, event id) of the decisions on players before they existed."""
    events_ = [part["event"] for part in _rejected(scene) if part["reason"] == "unknown_player"]
    return {(event["subject"], event["id"]) for event in events_}


def _refused_awards(scene: Scene) -> set[tuple[str, str]]:
    events_ = [part["event"] for part in _rejected(scene) if part["reason"].startswith("award_")]
    return {(event["properties"]["username"], event["properties"]["reason"]) for event in events_}


def _by_kind(scene: Scene) -> dict[str, list[dict[str, Any]]]:
    """Return the items by the first word of pk, and of sk for players and accounts."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in scene.items:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        word = pk.split("#")[0]
        groups[sk.split("#")[0] if word in ("PLAYER", "ACCOUNT") else word].append(item)
    return groups


def _player(scene: Scene, model: Model, player: str, items: dict[str, list[dict[str, Any]]]) -> list[str]:
    expected = model.player(player)
    read = load_player(scene.context.table, player)
    if read is None:
        return [f"{player}: not in the table"] if expected["exists"] else []
    got = _observed(read, items["DAYS"])
    found = [
        f"{player}: {name} is {got[name]}, should be {expected[name]}"
        for name in COMPARED
        if got[name] != expected[name]
    ]
    found += _differences(player, "set", got["sets"], {name: set(names) for name, names in expected["sets"].items()})
    held = {badge: state["held"] for badge, state in expected["badges"].items()}
    found += _differences(player, "badge", {badge: read.holds(badge) for badge in read.badges}, held)
    found += _differences(player, "figures", got["figures"], expected["figures"])
    for kind in ("daily", "weekly", "monthly", "all"):
        for day in got["days"]:
            period = period_of(kind, day)
            xp, due = read.period_xp(period)[0], expected["periods"].get(period.id, 0)
            if xp != due:
                found.append(f"{player}: XP of {period.id} is {xp}, should be {due}")
    return found


def _observed(read: Player, days_items: list[dict[str, Any]]) -> dict[str, Any]:
    for item in days_items:
        if item["pk"]["S"] == f"PLAYER#{read.id}":
            first = number_of(date.fromisoformat(item["sk"]["S"].removeprefix("DAYS#") + "-01"))
            for day, figures in days_in(item, first).items():
                if day != read.day:
                    read.past[day] = figures
    all_days = {**read.past, read.day: read.day_stats}
    shown = {
        day: {"count": f.count, "xp": f.xp, "tokens_saved": f.tokens_saved, "cost_saved": f.cost_saved}
        for day, f in all_days.items()
    }
    return {
        "shown_as": {
            "name": read.identity.display_name or "",
            "private": read.identity.private,
            "hidden": read.identity.hidden,
        },
        "xp": read.xp,
        "award_xp": read.award_xp,
        "rewarded_level": read.rewarded_level,
        "counters": {name: count for name, count in read.counters.items() if count},
        "stats": {name: value for name, value in read.stats.items() if value},
        "marks": read.streak.marks,
        "longest": read.streak.longest,
        "last_provider": read.last_provider,
        "active_days": active_days(read),
        "sets": {name: set(names) for name, names in read.sets.items()},
        "figures": {day: figures for day, figures in shown.items() if any(figures.values())},
        "days": sorted(all_days),
    }


def _differences(player: str, what: str, got: dict[Any, Any], expected: dict[Any, Any]) -> list[str]:
    return [
        f"{player}: {what} {name} is {got.get(name)}, should be {expected.get(name)}"
        for name in sorted(got.keys() | expected.keys(), key=str)
        if got.get(name) != expected.get(name)
    ]


def _log(model: Model, player: str, items: dict[str, list[dict[str, Any]]]) -> list[str]:
    found: list[str] = []
    logged: Counter[tuple[str, int]] = Counter()
    entries = {}
    for item in items["LOG"]:
        if item["pk"]["S"] != f"PLAYER#{player}":
            continue
        for entry in LogItem.from_raw_data(item).entries:
            name = (entry.id, minute_from(item["sk"]["S"]) * 60_000 + entry.offset)
            logged[name] += 1
            entries[name] = entry
    found += [f"{player}: {name} is in the log {count} times" for name, count in logged.items() if count > 1]
    expected = {(one["id"], one["time_ms"]): one for one in model.player(player)["entries"]}
    found += [f"{player}: {name} is missing from the log" for name in expected.keys() - entries.keys()]
    for name, one in expected.items():
        entry = entries.get(name)
        if entry is None:
            continue
        pairs = (
            ("paid", entry.paid),
            ("unpaid", entry.unpaid),
            ("credits", entry.credits),
            ("badges", sorted(entry.badges)),
            ("milestones", entry.milestones),
            ("levels", entry.levels),
            ("late", entry.late),
        )
        found += [
            f"{player}: {name} has {what} {value}, should be {one[what]}" for what, value in pairs if value != one[what]
        ]
    return found


def _boards(scene: Scene, model: Model, items: dict[str, list[dict[str, Any]]]) -> list[str]:
    now_s = scene.context.now_ms() // 1000
    got: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    for item in items["BOARD"]:
        entry = EntryItem.from_raw_data(item)
        player, on_index = entry.sk.removeprefix("ENTRY#player:"), entry.board is not None
        if on_index != (int(entry.score) > 0 and not entry.hidden):
            return [f"{player}: on {item['pk']['S']} with {entry.score}, hidden {entry.hidden}, index {on_index}"]
        if int(entry.score) and (entry.expires is None or int(entry.expires) > now_s):
            shown = {"name": entry.name or "", "private": bool(entry.private), "hidden": bool(entry.hidden)}
            board = item["pk"]["S"].removeprefix("BOARD#")
            if _is_open(board, scene):
                shown |= {"level": int(entry.level), "title": entry.title}
            got[player, board] = int(entry.score), shown
    expected = {
        (player, board): (score, model.shown_as(player) | _level_on(board, scene, model, player))
        for player in list(model.applied)
        for board, score in model.boards(player).items()
        if score > 0 and not _has_expired(board, now_s)
    }
    frozen = {item["pk"]["S"].removeprefix("BOARD_LOG#") for item in items["LOG"] if "frozen" in item}
    return [
        f"{name[0]}: on {name[1]} is {got.get(name)}, should be {expected.get(name)}"
        for name in sorted(got.keys() | expected.keys())
        if got.get(name) != expected.get(name) and not (name[0] in scene.gave_up and name[1] in frozen)
    ]


def _level_on(board: str, scene: Scene, model: Model, player: str) -> dict[str, Any]:
    """Return the level and title that an open board must show."""
    level = model.level(player)
    return {"level": level, "title": model.title(level)} if _is_open(board, scene) else {}


def _is_open(board: str, scene: Scene) -> bool:
    """Return whether a board's period has not ended yet, or by no more than the grace."""
    kind, _, period = board.partition("#")
    if period == "all":
        return True
    if kind == "daily":
        over = date.fromisoformat(period) + timedelta(days=1)
    elif kind == "weekly":
        over = datetime.strptime(f"{period}-1", "%G-W%V-%u").date() + timedelta(days=7)  # noqa: DTZ007
    else:
        over = (date.fromisoformat(f"{period}-01") + timedelta(days=31)).replace(day=1)
    end_ms = number_of(over) * 86_400_000 + scene.context.rules.settings.freeze_grace_minutes * 60_000
    return end_ms > scene.context.now_ms()


def _has_expired(board: str, now_s: int) -> bool:
    """Return whether a board has expired: a daily board is kept for 30 days after its end."""
    scope, _, period = board.partition("#")
    return scope == "daily" and (number_of(date.fromisoformat(period)) + 31) * 86_400 <= now_s


def _ledger(scene: Scene, model: Model, items: dict[str, list[dict[str, Any]]]) -> list[str]:
    sums: Counter[str] = Counter()
    by_account: Counter[tuple[str, str]] = Counter()
    for item in items["POSTING"]:
        row = PostingItem.from_raw_data(item)
        asset = item["pk"]["S"].split("#")[2]
        sums[asset] += int(row.amount)
        by_account[item["pk"]["S"], asset] += int(row.amount)
    found = [f"postings of {asset} sum to {total}" for asset, total in sums.items() if total]
    balances = {item["pk"]["S"]: BalanceItem.from_raw_data(item) for item in items["BALANCE"]}
    for pk, row_ in balances.items():
        asset = pk.rsplit("#", 1)[1]
        if int(row_.balance) != by_account[pk, asset] or int(row_.available) != int(row_.balance):
            found.append(f"{pk}: balance {row_.balance}, available {row_.available}, postings {by_account[pk, asset]}")
    for player in list(model.applied):
        read = load_player(scene.context.table, player)
        if read is None:
            continue
        for asset in scene.context.rules.ruleset.assets:
            held = balances.get(f"ACCOUNT#{read.identity.account}#{asset}")
            credits = model.credits(player).get(asset, 0)
            if (int(held.balance) if held else 0) != credits:
                found.append(f"{player}: {asset} are {held and held.balance}, should be {credits}")
    return found


def _published(scene: Scene, commits: Sequence[Committed]) -> list[str]:
    reward = scene.context.rules.ruleset.levels.reward
    return [
        f"{one.player}: {domain_event.type} of {one.entry.id} was never published"
        for one in commits
        for domain_event in domain_events_of(one.player, _time(one), one.entry, reward.amount if reward else 0)
        if domain_event.id not in scene.published
    ]


def _rejections(scene: Scene, refused: Counter[str]) -> list[str]:
    """Check that each invalid event is in a row with its reason, and in an envelope; each envelope has its row."""
    rows = [item for item in scene.items if item["pk"]["S"].startswith("FAILURE#rejected#")]
    recorded: Counter[str] = Counter()
    for item in rows:
        for reason, places in json.loads(item["rejections"]["S"])["indexes"].items() if "rejections" in item else ():
            recorded[reason] += len(places) or 1
    announced: Counter[str] = Counter()
    for body in scene.rejected:
        announced.update(json.loads(body)["reasons"])
    found = [
        f"{reason}: {count} sent, {recorded[reason]} recorded, {announced[reason]} in envelopes"
        for reason, count in refused.items()
        if min(recorded[reason], announced[reason]) < count
    ]
    envelopes = {json.loads(body)["id"] for body in scene.rejected}
    names = {item["sk"]["S"] for item in rows}
    found += [f"{name}: an envelope without a row" for name in sorted(envelopes - names)]
    whole = {item["sk"]["S"] for item in rows if "body" in item or "parts" in item}
    return found + [f"{name}: a row without a body" for name in sorted(names - whole)]


def _id(detail: Any) -> str:
    return str((json.loads(detail) if isinstance(detail, str) else detail)["id"])
