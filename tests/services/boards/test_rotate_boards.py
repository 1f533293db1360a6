"""Periods are closed once: freeze, archive, ranks, rewards, announcement; by a job that runs late, twice, or dies."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.core.subjects import player_subject
from chalicelib.domain.identity.names import display_name
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.rank_rewards import rewards_of
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.services.boards import publish_ranks
from chalicelib.services.boards import rotate_boards as use_case
from chalicelib.services.boards.rotate_boards import rotate_boards
from chalicelib.services.boards.rotation import Rotation, Step
from chalicelib.services.boards.worker import feed_boards
from chalicelib.settings import RULESETS
from chalicelib.store.boards.archives import Archive, read_archives, read_cursor, start_cursor
from chalicelib.store.boards.entries import scan_entries
from chalicelib.store.boards.redo_log import read_log
from chalicelib.store.ledger.accounts import read_balances
from chalicelib.store.progress.players import load_player
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant
from tests.scripted_time import with_time
from tests.services.progress.test_apply_events import event, process
from tests.simulated import Faults

DAY_S = 86_400
# Monday, after the end of 2026-W20 and of Sunday, an hour of grace, and six in which a backlog could hold the freeze.
CLOSED = "2026-05-18T07:01:00"


@pytest.fixture(scope="module")
def default_rules() -> Rules:
    return plants.rules(RULESETS / "default.toml")


@pytest.fixture
def plant(default_rules: Rules) -> Plant:
    plant = plants.build(1, chosen=default_rules, start_ms=at("2026-05-17T12:00:00"))
    plants.start(plant, random.Random(1))
    return plant


def at(when: str) -> int:
    return round(datetime.fromisoformat(when).replace(tzinfo=UTC).timestamp() * 1000)


def set_clock(plant: Plant, when: str) -> None:
    plant.world.sleep((at(when) - plant.world.now_ms()) / 1000)


def play(plant: Plant, **requests: int) -> None:
    """Send so many requests of each player, now, and process all their messages."""
    first = plant.world.now_ms()
    for player, number in requests.items():
        assert not process(plant, *[event(plant, first + each, player) for each in range(number)]).failed
    plant.world.run()


def crowd(plant: Plant, players: int) -> None:
    """Make so many players p01, p02, ...: each with more XP than the one before."""
    play(plant, **{f"p{number:02}": number for number in range(1, players + 1)})


def rotate(plant: Plant) -> Rotation:
    """Run once, with the work it leaves to others."""
    with plant.world.acting_as("rotate"):
        rotation = rotate_boards(plant.context)
    assert rotation.failed == {}
    plant.world.run()
    return rotation


def close(plant: Plant) -> None:
    """Run until nothing waits."""
    for _ in range(4):
        if not rotate(plant).waiting:
            return
    raise AssertionError("something still waits")


def archive(plant: Plant, scope: str, period: str) -> Archive:
    return read_archives(plant.context.table, scope, [period])[period]


def announced(plant: Plant, scope: str = "") -> list[dict[str, Any]]:
    return [
        published.detail
        for published in plant.world.events.published
        if published.detail_type == "leaderboard.rotated" and scope in ("", published.detail["scope"])
    ]


def coins(plant: Plant, player: str) -> int:
    found = load_player(plant.context.table, player)
    return read_balances(plant.context.table, found.identity.account, ["coins"])["coins"] if found else 0


def has_badge(plant: Plant, player: str) -> bool:
    found = load_player(plant.context.table, player)
    return found is not None and found.holds("community-leader")


def judged(plant: Plant) -> list[str]:
    """Return the published ranks, from the queue's messages that no worker has taken yet."""
    bodies = [json.loads(message.body) for message in plant.world.queue(plant.urls["own"]).messages()]
    return [f"{each['subject']} {each['data']['scope']} {each['data']['rank']}" for body in bodies for each in body]


# The steps --------------------------------------------------------------------------------------------------------


def test_a_week_is_frozen_then_archived_judged_and_announced(plant: Plant) -> None:
    play(plant, ada=9, bob=5, eve=5)
    set_clock(plant, CLOSED)
    assert rotate(plant).steps["weekly#2026-W20"] is Step.FREEZING
    frozen = read_log(plant.context.table, "weekly#2026-W20").frozen
    assert frozen is not None
    assert announced(plant) == []
    assert rotate(plant).steps["weekly#2026-W20"] is Step.ROTATED
    week = archive(plant, "weekly", "2026-W20")
    assert (week.total, week.frozen_at, week.done) == (3, frozen, True)
    assert [(place.rank, place.score) for place in week.top] == [(1, 65), (2, 61), (2, 61)]
    assert {player: coins(plant, player) for player in ("ada", "bob", "eve")} == {"ada": 100, "bob": 50, "eve": 50}
    (domain_event,) = [each for each in announced(plant, "weekly") if each["period"] == "2026-W20"]
    champion = {"rank": 1, "score": 65, "level": 1, "title": "Beginner", "hidden": False}
    champion |= {"apiKeyId": week.top[0].public, "displayName": display_name(week.top[0].public, None)}
    assert domain_event == {
        "id": domain_event["id"], "version": 1, "time": moment_name(frozen), "scope": "weekly", "period": "2026-W20",
        "total": 3, "champion": champion, "frozenAt": moment_name(frozen),
    }  # fmt: skip


def test_nothing_is_closed_within_the_grace(plant: Plant) -> None:
    play(plant, ada=1)
    set_clock(plant, "2026-05-18T01:00:00")
    assert "weekly#2026-W20" not in rotate(plant).steps
    set_clock(plant, "2026-05-18T01:00:01")
    assert "weekly#2026-W20" in rotate(plant).steps
    assert "weekly#2026-W21" not in rotate(plant).steps


def test_finished_steps_are_never_repeated(plant: Plant) -> None:
    play(plant, ada=9, bob=5)
    set_clock(plant, CLOSED)
    close(plant)
    before = (coins(plant, "ada"), len(announced(plant)), len(plant.world.events.published))
    for _ in range(3):
        assert rotate(plant).steps == {}
    assert before == (coins(plant, "ada"), len(announced(plant)), len(plant.world.events.published))
    # Not even once the records of duplicates have expired.
    set_clock(plant, "2026-09-20T12:00:00")
    assert "weekly#2026-W20" not in rotate(plant).steps


def test_an_empty_board_is_closed_too(plant: Plant) -> None:
    rotate(plant)
    set_clock(plant, CLOSED)
    close(plant)
    week = archive(plant, "weekly", "2026-W20")
    assert (week.total, week.top, week.done) == (0, [], True)
    assert announced(plant, "weekly")[-1]["champion"] is None


def test_the_first_run_of_all_begins_with_the_first_period_that_has_players(plant: Plant) -> None:
    """Test that periods that ended before the first player are neither closed nor announced."""
    play(plant, ada=1)
    set_clock(plant, "2026-06-03T12:00:00")
    steps = rotate(plant).steps
    by_scope = {scope: [name for name in steps if name.startswith(scope)] for scope in ("daily", "weekly", "monthly")}
    assert {scope: (names[0], names[-1], len(names)) for scope, names in by_scope.items()} == {
        "daily": ("daily#2026-05-17", "daily#2026-06-02", 17),
        "weekly": ("weekly#2026-W20", "weekly#2026-W22", 3),
        "monthly": ("monthly#2026-05", "monthly#2026-05", 1),
    }


def test_a_first_run_that_died_is_the_first_all_the_same(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    play(plant, ada=1)
    set_clock(plant, CLOSED)
    rotate(plant)
    with monkeypatch.context() as patch:
        patch.setattr(use_case, "finish_archive", lambda *_: None)
        patch.setattr(use_case, "move_cursor", lambda *_: None)
        rotate(plant)
    set_clock(plant, "2026-06-18T12:00:00")
    close(plant)
    assert archive(plant, "weekly", "2026-W20").done
    assert read_cursor(plant.context.table, "weekly") == at("2026-06-14T00:00:00") // 86_400_000


# Whole lives ------------------------------------------------------------------------------------------------------


def test_badges_of_ranks_are_earned_among_fifty() -> None:
    text = (RULESETS / "default.toml").read_text()
    weekly = text.replace('{ type = "rank", top = 10 }', '{ type = "rank", top = 10, scope = "weekly" }')
    plant = plants.build(4, chosen=ruleset.parse(weekly.encode(), "weekly.toml"), start_ms=at("2026-05-17T12:00:00"))
    plants.start(plant, random.Random(1))
    crowd(plant, 50)
    set_clock(plant, CLOSED)
    close(plant)
    best = {f"p{number:02}" for number in range(41, 51)}
    assert {f"p{number:02}" for number in range(1, 51) if has_badge(plant, f"p{number:02}")} == best
    assert [coins(plant, f"p{number:02}") for number in (50, 49, 48, 47, 41, 40)] == [100, 50, 50, 20, 20, 0]
    found = load_player(plant.context.table, "p50")
    assert found is not None
    assert found.ranks == {"weekly": 1}


def test_a_late_run_catches_up_across_the_year_and_week_53(default_rules: Rules) -> None:
    plant = plants.build(2, chosen=default_rules, start_ms=at("2026-12-26T12:00:00"))
    plants.start(plant, random.Random(1))
    play(plant, ada=1)
    close(plant)
    for day, player in (("2026-12-29", "bob"), ("2027-01-02", "eve"), ("2027-01-05", "ada"), ("2027-01-11", "ada")):
        set_clock(plant, f"{day}T12:00:00")
        play(plant, **{player: 2})
    set_clock(plant, "2027-02-01T12:00:00")
    close(plant)
    assert [archive(plant, "weekly", week).total for week in ("2026-W52", "2026-W53", "2027-W01", "2027-W02")] == [
        1, 2, 1, 1,
    ]  # fmt: skip
    assert [archive(plant, "monthly", month).total for month in ("2026-12", "2027-01")] == [2, 2]
    # In week 53 bob is first, since he joined before 2027, and eve is second; each leads a month.
    assert (coins(plant, "bob"), coins(plant, "eve")) == (100 + 500, 50 + 500)
    rotated = [(each["scope"], each["period"]) for each in announced(plant)]
    assert len(rotated) == len(set(rotated))
    assert ("weekly", "2026-W53") in rotated
    assert ("weekly", "2027-W05") not in rotated


def test_days_whose_boards_expired_before_the_job_are_skipped(plant: Plant) -> None:
    play(plant, ada=1)
    set_clock(plant, CLOSED)
    close(plant)
    set_clock(plant, "2026-05-20T12:00:00")
    play(plant, ada=1)
    set_clock(plant, "2026-06-25T12:00:00")
    close(plant)
    assert read_archives(plant.context.table, "daily", ["2026-05-20"]) == {}
    assert "2026-05-27" in read_archives(plant.context.table, "daily", ["2026-05-27"])
    assert rotate(plant).steps == {}


def test_all_time_boards_are_judged_daily_and_only_better_ranks_are_published(plant: Plant) -> None:
    crowd(plant, 50)
    rotate_boards(plant.context)
    assert [line for line in judged(plant) if "global" in line] == [
        f"p{51 - rank:02} global {rank}" for rank in range(1, 11)
    ]
    plant.world.run()
    rotate_boards(plant.context)
    assert judged(plant) == [], "once a day"
    set_clock(plant, "2026-05-18T00:30:00")
    play(plant, p45=20)
    rotate_boards(plant.context)
    assert [line for line in judged(plant) if "global" in line] == ["p45 global 1"]


# Faults -----------------------------------------------------------------------------------------------------------


def test_two_runs_at_once_do_it_once(plant: Plant) -> None:
    play(plant, ada=9, bob=5)
    set_clock(plant, CLOSED)
    rotate(plant)
    for name in ("one", "two"):
        plant.world.spawn(name, rotate_boards, plant.context)
    plant.world.run()
    close(plant)
    assert (coins(plant, "ada"), coins(plant, "bob")) == (100, 50)
    ids = {each["id"] for each in announced(plant, "weekly") if each["period"] == "2026-W20"}
    assert len(ids) == 1


@pytest.mark.parametrize("step", ["send", "save_published", "publish", "finish_archive", "move_cursor"])
def test_a_death_at_any_step_is_repaired_by_the_next_run(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    play(plant, ada=9, bob=5)
    set_clock(plant, CLOSED)
    rotate(plant)

    def dies(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    holders = {"send": plant.context.queues, "publish": plant.context.bus, "save_published": publish_ranks}
    with monkeypatch.context() as patch:
        patch.setattr(holders.get(step, use_case), step, dies)
        with pytest.raises(KeyboardInterrupt):
            rotate_boards(plant.context)
    close(plant)
    assert (coins(plant, "ada"), coins(plant, "bob")) == (100, 50)
    assert archive(plant, "weekly", "2026-W20").done
    assert len({domain_event["id"] for domain_event in announced(plant, "weekly")}) == 1
    assert read_cursor(plant.context.table, "weekly") == at("2026-05-17T00:00:00") // 86_400_000


def test_a_failing_scope_does_not_stop_the_others(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    play(plant, ada=1)
    working = use_case.read_archives

    def failing(table: Any, scope: str, periods: Any) -> Any:
        if scope == "daily":
            raise RuntimeError("broken")
        return working(table, scope, periods)

    monkeypatch.setattr(use_case, "read_archives", failing)
    set_clock(plant, CLOSED)
    rotation = rotate_boards(plant.context)
    assert list(rotation.failed) == ["daily"]
    assert "weekly#2026-W20" in rotation.steps


def test_a_hidden_player_moves_no_rank_after_the_archive_is_written(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(plant, [("ada", 9), ("bob", 5)])
    set_clock(plant, CLOSED)
    rotate(plant)
    plant.sources["own"].concurrency = 0
    monkeypatch.setattr(publish_ranks, "RANKS_AT_ONCE", 1)
    assert "weekly#2026-W20" in rotate_boards(with_time(plant.context, lambda: judged(plant) == [])).steps
    assert judged(plant) == ["ada weekly 1"]
    feed(plant, [("ada", 9)], version=2, hidden=True)
    rotate_boards(plant.context)
    assert [line for line in judged(plant) if "weekly" in line] == ["ada weekly 1", "bob weekly 2"]


def feed(plant: Plant, scores: list[tuple[str, int]], board: str = "weekly#2026-W20", **changes: Any) -> None:
    """Write states straight onto a board, without the players."""
    states = [
        BoardUpdate(player_subject(player), score, changes.get("version", 1), at("2026-05-17T01:00:00") + number, 1,
                    "Beginner", f"{number:016x}", hidden=changes.get("hidden", False))
        for number, (player, score) in enumerate(scores)
    ]  # fmt: skip
    feed_boards(plant.context, board, states)


# Size and exactness -----------------------------------------------------------------------------------------------


def test_a_tie_beyond_the_last_rank_that_counts_is_published_whole(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.sources["own"].concurrency = 0
    monkeypatch.setattr("chalicelib.store.boards.final_standings.SCAN_PAGE", 100)
    feed(plant, [(f"p{number:04}", 50 if number else 60) for number in range(700)])
    set_clock(plant, CLOSED)
    rotate(plant)
    for _ in range(12):
        left = iter([True] * 16 + [False] * 99)
        rotate_boards(with_time(plant.context, lambda left=left: next(left)))
    rotate_boards(plant.context)
    weekly_ranks = [line for line in judged(plant) if "weekly" in line]
    assert sorted(set(weekly_ranks)) == sorted(
        {"p0000 weekly 1"} | {f"p{number:04} weekly 2" for number in range(1, 700)}
    )
    week = archive(plant, "weekly", "2026-W20")
    assert week.done
    assert [place.public for place in week.top] == [f"{number:016x}" for number in range(100)]


@pytest.mark.parametrize("shards", [1, 3])
def test_nothing_is_archived_while_the_index_lags(
    default_rules: Rules, monkeypatch: pytest.MonkeyPatch, shards: int
) -> None:
    import msgspec

    boards = [msgspec.structs.replace(board, shards=shards) for board in default_rules.ruleset.boards]
    rules = Rules(msgspec.structs.replace(default_rules.ruleset, boards=boards), default_rules.levels)
    plant = plants.build(3, chosen=rules, start_ms=at("2026-05-17T12:00:00"))
    plants.start(plant, random.Random(1))
    feed(plant, [(f"p{number}", number % 7 + 1) for number in range(30)])
    set_clock(plant, CLOSED)
    rotate(plant)
    from chalicelib.store.boards import final_standings

    working = final_standings.listed_entries
    with monkeypatch.context() as patch:
        patch.setattr(final_standings, "listed_entries", lambda *args: working(*args)[1:])
        assert rotate_boards(plant.context).steps["weekly#2026-W20"] is Step.MOVING
    assert rotate_boards(plant.context).steps["weekly#2026-W20"] is Step.ROTATED
    week = archive(plant, "weekly", "2026-W20")
    assert (week.total, len(week.top), week.top[0].score, week.top[29].rank) == (30, 30, 7, 26)


def test_a_writer_that_died_with_its_messages_is_reminded(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.services.boards import writer
    from chalicelib.store.core.table import StoreError

    def fails(*_: Any) -> None:
        raise StoreError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(writer, "complete", fails)
        with pytest.raises(StoreError):
            feed(plant, [("ada", 9)])
    assert read_log(plant.context.table, "weekly#2026-W20").intent is not None
    # Also once its week is over, within the grace: no run requests its freeze yet.
    set_clock(plant, "2026-05-18T00:30:00")
    assert rotate(plant).reminded == ["weekly#2026-W20"]
    assert read_log(plant.context.table, "weekly#2026-W20").intent is None
    assert rotate(plant).reminded == []


@pytest.mark.parametrize("seed", range(4))
def test_every_rank_is_paid_once_under_any_faults(default_rules: Rules, seed: int) -> None:
    rng = random.Random(seed)
    plant = plants.build(seed, Faults.rough(), default_rules, start_ms=at("2026-04-30T12:00:00"))
    plants.start(plant, rng)
    for scope in default_rules.boards:
        start_cursor(plant.context.table, scope, at("2026-04-29T00:00:00") // 86_400_000)
    expected: dict[str, int] = {}
    for _ in range(rng.randint(2, 4)):
        play(plant, **{player: rng.randint(1, 4) for player in rng.sample(("ada", "bob", "eve", "kim", "lou"), 4)})
        plant.world.sleep(rng.choice((0.5, 2, 9)) * DAY_S)
        for number in range(rng.randint(1, 5)):
            plant.world.spawn(f"rotate-{number}", rotate_boards, plant.context)
        plant.world.run()
    set_clock(plant, "2026-07-01T12:00:00")
    close(plant)
    plant.world.run()
    for scope, board in default_rules.boards.items():
        for period in sorted({each["period"] for each in announced(plant, scope)}):
            kept = archive(plant, scope, period)
            assert kept.done
            entries = [entry.spot for entry in scan_entries(plant.context.table, f"{scope}#{period}") if entry.on_board]
            assert scope == "daily" or [(place.score, place.reached_at) for place in kept.top] == sorted(
                (spot for spot in entries if spot), key=lambda spot: (-spot[0], spot[1])
            )
            for player in expected.keys() | {"ada", "bob", "eve", "kim", "lou"}:
                rank = rank_in(plant, kept, player)
                expected[player] = expected.get(player, 0) + (rewards_of(board, rank).get("coins", 0) if rank else 0)
    assert sum(expected.values()) > 0
    assert {player: coins(plant, player) for player in expected} == expected
    found = announced(plant)
    assert len({each["id"] for each in found}) == len({(each["scope"], each["period"]) for each in found})


def rank_in(plant: Plant, kept: Archive, player: str) -> int | None:
    """Return the player's rank by counting better scores in an archive of all players."""
    assert kept.total == len(kept.top)
    found = load_player(plant.context.table, player)
    mine = [place.score for place in kept.top if found and place.public == found.identity.public]
    return 1 + sum(place.score > mine[0] for place in kept.top) if mine else None
