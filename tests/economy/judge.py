"""What must be true when all has settled."""

from __future__ import annotations

from collections import Counter, defaultdict

from tests.economy import books
from tests.economy.books import Books
from tests.economy.model import DAY, MINUTE
from tests.economy.replay import Replay
from tests.economy.traffic import Stage

MOST_IN_A_MINUTE, MOST_IN_A_DAY = 10, 100_000


def findings(stage: Stage) -> list[str]:
    kept = books.read(stage.plant)
    replay = Replay(stage)
    owed = [f"{row} is still owed" for row in kept.outbox]
    return replay.findings + books.findings(kept) + owed + _limits(kept) + _downstream(stage, kept, replay)


def _limits(kept: Books) -> list[str]:
    """From the postings alone."""
    sent: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for (id_, _), sides in kept.transfers.items():
        if kept.kinds[id_] == "transfer":
            account, amount = min(sides, key=lambda side: side[1])
            sent[account].append((int(id_[:11], 16), -amount))
    found = []
    for account, transfers in sent.items():
        transfers.sort()
        for (first, _), (last, _) in zip(transfers, transfers[MOST_IN_A_MINUTE:], strict=False):
            if last - first < MINUTE:
                found.append(f"{account} sent eleven times within {last - first} ms")
        days: Counter[int] = Counter()
        for at, amount in transfers:
            days[at // DAY] += amount
        found += [f"{account} sent {total} in a day" for total in days.values() if total > MOST_IN_A_DAY]
    return found


def _downstream(stage: Stage, kept: Books, replay: Replay) -> list[str]:
    """Laurel's own events about transfers applied once each; the bus told of each, and of nothing else."""
    sent: Counter[tuple[str, str]] = Counter()
    for moved in replay.model.moved:
        if moved.kind == "transfer":
            sent[moved.source, moved.target] += moved.amount
    counted = {}
    for item in books.rows_of(stage.plant):
        if item["sk"]["S"].startswith("PAIR#"):
            player, other = item["pk"]["S"].removeprefix("PLAYER#"), item["sk"]["S"].removeprefix("PAIR#")
            counted[player, other] = int(item["sent"]["N"]), int(item["received"]["N"])
    wanted = {(one, two): (sent[one, two], sent[two, one]) for pair in sent for one, two in (pair, pair[::-1])}
    found = [] if counted == wanted else [f"pairs have {counted}, not {wanted}"]
    transfers = {id_ for id_, kind in kept.kinds.items() if kind == "transfer"}
    told = {
        event.detail["transferId"] if "transferId" in event.detail else event.detail["detail"]["transferId"]
        for event in stage.plant.world.events.published
        if event.detail_type == "transfer.received"
    }
    return found + ([] if transfers == told else [f"the bus was told of {told}, not of {transfers}"])
