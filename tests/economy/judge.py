"""Conditions that must be true when all has settled."""

from __future__ import annotations

from collections import Counter, defaultdict

from chalicelib.store.progress.players import load_player
from tests.economy import books
from tests.economy.books import Books
from tests.economy.model import DAY, MINUTE
from tests.economy.model_invites import Economy
from tests.economy.replay import Replay
from tests.economy.traffic import Stage

MOST_IN_A_MINUTE, MOST_IN_A_DAY = 10, 100_000


def findings(stage: Stage) -> list[str]:
    kept = books.read(stage.plant)
    replay = Replay(stage)
    unsent = [f"{row} is still in the outbox" for row in kept.outbox]
    return (
        replay.findings
        + books.findings(kept)
        + unsent
        + _limits(kept)
        + _rows(stage, replay.model)
        + _downstream(stage, replay)
    )


def _limits(kept: Books) -> list[str]:
    """Return violations of the limits of transfers, by the postings alone."""
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


def _rows(stage: Stage, model: Economy) -> list[str]:
    """Return differences from the model in stock, redemptions, uses of invites and open holds."""
    found, owners = [], {books.account_of(stage.plant, player): player for player in stage.players}
    held: Counter[tuple[str, str]] = Counter()
    for item in books.rows_of(stage.plant):
        (kind, _, rest), sk = item["pk"]["S"].partition("#"), item["sk"]["S"]
        found_count = expected = 0
        if kind == "REWARD" and sk == "STOCK":
            found_count, expected = int(item["sold"]["N"]), model.taken(rest, "stock")
        elif kind == "REDEEMED":
            found_count, expected = int(item["redeemed"]["N"]), model.taken(sk, "perPlayer", owners[rest])
        elif kind == "INVITE":
            id_ = stage.names.model.get(f"{rest[:4]}-{rest[4:]}")
            found_count, expected = int(item["used"]["N"]), model.invites[id_].used if id_ in model.invites else -1
            found += [f"{rest} was used {found_count} times"] if found_count > int(item["uses"]["N"]) else []
        elif kind == "HOLD" and sk.startswith(("OPEN#", "PENDING#")):
            held[owners[rest], item["asset"]["S"]] += int(item["amount"]["N"])
        if found_count != expected:
            found.append(f"{kind} {rest} {sk}: {found_count}, not {expected}")
    for player in stage.players:
        for asset in ("tokens", "coins"):
            kept = sum(hold.amount for hold in model.open_holds(player, asset, stage.plant.world.now_ms()))
            if kept > held[player, asset]:
                found.append(f"{player} has {held[player, asset]} {asset} held, not {kept}")
    return found


def _downstream(stage: Stage, replay: Replay) -> list[str]:
    """Check that Laurel's own events were applied once each, and that the bus has exactly the events of the commits."""
    sent: Counter[tuple[str, str]] = Counter()
    for moved in replay.model.moved:
        if moved.kind == "transfer":
            sent[moved.source, moved.target] += moved.amount
    counted = {}
    for item in books.rows_of(stage.plant):
        if item["sk"]["S"].startswith("PAIR#"):
            player, other = item["pk"]["S"].removeprefix("PLAYER#"), item["sk"]["S"].removeprefix("PAIR#")
            counted[player, other] = int(item["sent"]["N"]), int(item["received"]["N"])
    expected = {(one, two): (sent[one, two], sent[two, one]) for pair in sent for one, two in (pair, pair[::-1])}
    found = [] if counted == expected else [f"pairs have {counted}, not {expected}"]
    for player in stage.players:
        brought = sum(referrer == player for referrer in replay.model.referrers.values())
        loaded = load_player(stage.plant.context.table, player)
        if loaded and loaded.count("referral") != brought:
            found.append(f"{player} was paid for {loaded.count('referral')} referrals, not {brought}")
    return found + _bus(stage, replay.model)


def _bus(stage: Stage, model: Economy) -> list[str]:
    done = Counter("transfer.received" for moved in model.moved if moved.kind == "transfer")
    done["invite.redeemed"] = len(model.referrers)
    for made in model.redemptions.values():
        done["reward.redeemed"] += 1
        done[f"reward.{made.status}"] += made.status in ("fulfilled", "cancelled", "refunded")
        done["reward.fulfilled"] += made.status == "refunded" and made.paid_by != made.id
    published: dict[str, set[str]] = defaultdict(set)
    for event in stage.plant.world.events.published:
        published[event.detail_type].add(event.detail["id"])
    return [
        f"the bus has {len(published[type_])} {type_}, not {number}"
        for type_, number in done.items()
        if number != len(published[type_])
    ]
