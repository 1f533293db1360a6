"""Verify finds manual edits and separates states in flight from wrong ones; repair rewrites the wrong ones."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from chalicelib.domain.boards import ties
from chalicelib.domain.core.errors import InvalidRequest
from chalicelib.domain.progress.scores import BoardUpdate
from chalicelib.services.boards.freeze_board import freeze_board
from chalicelib.services.boards.messages import BoardMessage
from chalicelib.services.boards.rebuild_board import Ordered, kept_boards, rebuild_board
from chalicelib.services.boards.request_repairs import repair_board, request_recount, request_rewrites
from chalicelib.services.boards.subject_scores import load_states
from chalicelib.services.boards.verify_board import verify_board
from chalicelib.services.boards.writer import write_states
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.progress.change_profile import ProfileChange, change_profile
from chalicelib.services.progress.hide_player import hide_player
from chalicelib.services.progress.publish_scores import send_messages
from chalicelib.store.boards import keys as boards_keys
from chalicelib.store.boards.redo_log import read_log
from chalicelib.store.core import keys as core_keys
from chalicelib.store.core.table import Page, Table
from chalicelib.store.core.writes import Update
from tests.pipeline.plant import Plant
from tests.scripted_time import with_time
from tests.services.boards.board_edits import GLOBAL, board, build, delete, edit, found, item, number, send, verify
from tests.simulated import Killed

ADA, BOB = boards_keys.entry(GLOBAL, "player:p0"), boards_keys.entry(GLOBAL, "player:p1")


@pytest.fixture
def plant() -> Plant:
    return build(5)


@pytest.fixture
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide ties from 4 members on, into runs of 2, three a volume."""
    monkeypatch.setattr(ties, "MARK_AT", 4)
    monkeypatch.setattr(ties, "RUN", 2)
    monkeypatch.setattr(ties, "RUNS", 3)


def repair_index(plant: Plant, name: str = GLOBAL) -> None:
    """Repair, with workers that work while the command waits; check that no difference is left."""
    _, last = repair_board(plant.context, name, plant.world.run)
    assert last.differences == []
    assert found(plant, name) == []


def tied(plant: Plant, players: int) -> None:
    """Make many players with one score on `global`, one after the other."""
    for each in range(players):
        send(plant, f"tie{each:02d}")
        plant.world.run()


def test_the_workers_writes_are_right_on_every_board(plant: Plant) -> None:
    for scope in plant.context.rules.boards:
        verified = verify(plant, board(plant, scope))
        assert (verified.differences, verified.in_flight, verified.after_freeze) == ([], 0, 0), scope
    assert verify(plant).entries == 5


@pytest.mark.parametrize(
    ("key", "expression", "line"),
    [
        (boards_keys.node(GLOBAL, "TOTAL"), "ADD #00 :n", "node TOTAL: expected 5, found 8"),
        (boards_keys.node(GLOBAL, "0.0"), "ADD #00 :n", "node 0.0 digit 0: expected 0, found 3"),
        (boards_keys.node(GLOBAL, "1.0"), "ADD #25 :n", "node 1.0 digit 37: expected 0, found 3"),
        (boards_keys.node(GLOBAL, "2.0"), "ADD #100 :n", "node 2.0 over: expected 0, found 3"),
        (boards_keys.node(GLOBAL, "5.12"), "ADD #01 :n", "node 5.12 digit 1: expected 0, found 3"),
        (boards_keys.node(GLOBAL, "0.0"), "SET #seq = :big", "node 0.0: expected to be written by intent "),
        (boards_keys.node(GLOBAL, "0.0"), "SET #T05 = :n", "node D.5 volumes: expected numbers from 0 on, found []"),
        (boards_keys.node(GLOBAL, "D.5"), "ADD #00 :n", "node D.5 volume 0: expected 0, found 3"),
        (boards_keys.node(GLOBAL, "D.5"), "SET #T00 = :n", "node D.5: expected no starts, found 1"),
        (boards_keys.node(GLOBAL, "1.0"), "SET #T00 = :n", "node 1.0 hint 0: expected a marked score, found 3"),
        (boards_keys.board_log(GLOBAL), "SET #latest = :n", "log: expected latest moment "),
        (ADA, "SET #score = :n", "entry player:p0: expected score 4 at version 1, found 3 at version 1"),
        (ADA, "SET #score = :big", "entry player:p0: expected score 4 at version 1, found 99 at version 1"),
        (ADA, "SET #v = :n", "entry player:p0: expected version 1 at most, found 3"),
        (ADA, "SET #q = :big", "entry player:p0: expected to be written by intent "),
        (ADA, "SET #reachedAt = :n", "entry player:p0: expected score 4 reached at "),
        (ADA, "SET #hidden = :yes REMOVE #order, #board", "entry player:p0: expected hidden False, found True"),
        (ADA, "SET #private = :yes", "entry player:p0: expected private False, found True"),
        (ADA, "SET #name = :word", "entry player:p0: expected name '', found 'mallory'"),
        (ADA, "SET #order = :word", "entry player:p0: expected order 99999999"),
        (ADA, "REMOVE #order, #board", "entry player:p0: expected order 99999999"),
        (ADA, "REMOVE #score", "entry player:p0: expected score 4 at version 1, found -1 at version 1"),
    ],
)
def test_a_manual_edit_is_found_and_repaired(plant: Plant, key: core_keys.Key, expression: str, line: str) -> None:
    values = {"n": 3, "big": 99, "word": "mallory", "yes": True}
    used = {name: value for name, value in values.items() if f":{name}" in expression}
    edit(plant, key, expression, **used)
    lines = found(plant)
    assert any(each.startswith(line) for each in lines), lines
    repair_index(plant)


def test_a_deleted_entry_and_one_without_a_player_are_found_and_repaired(plant: Plant) -> None:
    delete(plant, ADA)
    write_states(plant.context, GLOBAL, GLOBAL, [BoardUpdate("player:ghost", 7, 3, 1, 1, "Beginner", "x")])
    assert found(plant) == [
        "entry player:ghost: expected no entry: there is no such player, found score 7",
        "entry player:p0: expected score 4 at version 1, found no entry",
        "node 0.0 digit 4: expected 0, found 1",
        "node TOTAL: expected 5, found 6",
    ]
    repair_index(plant)
    tombstone = item(plant, boards_keys.entry(GLOBAL, "player:ghost"))
    assert "order" not in tombstone
    assert int(tombstone["v"]["N"]) == 0, "a player that comes back begins at version 1"


def test_repair_works_during_updates(plant: Plant) -> None:
    edit(plant, boards_keys.node(GLOBAL, "TOTAL"), "ADD #00 :n", n=3)
    edit(plant, ADA, "SET #score = :n", n=77)
    send(plant, "p1", 30, start=10)
    send(plant, "p6", 5)
    waits = iter(range(10**6))

    def wait() -> None:
        send(plant, f"q{next(waits)}")
        plant.world.run()

    first, last = repair_board(plant.context, GLOBAL, wait)
    assert "entry player:p0: expected score 4 at version 1, found 77 at version 1" in map(str, first.differences)
    assert last.differences == []
    plant.world.run()
    assert found(plant) == []
    assert number(plant, boards_keys.node(GLOBAL, "TOTAL"), "00") == 6 + next(waits)


def test_updates_during_a_pass_are_no_differences(plant: Plant) -> None:
    """Test that verify reports no difference in states that producers and writers are changing."""
    results = []

    def produce(player: str) -> None:
        for number_ in range(12):
            send(plant, player, start=100 + number_)
            plant.world.sleep(0.4)

    def prove() -> None:
        results.extend(verify(plant) for _ in range(6))

    for player in ("p0", "p1", "new"):
        plant.world.spawn(player, produce, player)
    plant.world.spawn("verifier", prove)
    plant.world.run()
    assert [str(each) for result in results for each in result.differences] == []
    assert found(plant) == []


def test_a_real_difference_is_found_on_a_busy_board(plant: Plant) -> None:
    results = []
    edit(plant, boards_keys.node(GLOBAL, "TOTAL"), "ADD #00 :n", n=3)

    def produce() -> None:
        for number_ in range(40):
            send(plant, "p0", start=100 + number_)
            plant.world.sleep(0.4)

    plant.world.spawn("producer", produce)
    plant.world.spawn("verifier", lambda: results.append(verify(plant)))
    plant.world.run()
    assert [str(each) for each in results[0].differences] == ["node TOTAL: expected 5, found 8"]


def test_a_state_that_is_late_is_in_flight_and_one_that_never_comes_is_a_difference(plant: Plant) -> None:
    states = load_states(plant.context, GLOBAL, ["player:p0"])
    source = plant.sources["boards"]
    plant.world.scheduler.sources.remove(source)
    send(plant, "p0", start=50)
    plant.world.run()
    waits = []
    verified = []

    def wait() -> None:
        """Let the writer wake up at the second pause."""
        waits.append(1)
        if len(waits) == 2:
            plant.world.scheduler.sources.append(source)
            plant.world.run()

    verified.append(verify_board(plant.context, GLOBAL, wait))
    assert (verified[0].differences, verified[0].in_flight) == ([], 0)
    assert len(waits) == 2
    # An update that is lost permanently.
    edit(
        plant,
        ADA,
        "SET #v = :v, #score = :s, #order = :o",
        v=1,
        s=4,
        o=boards_keys.order(4, states["player:p0"].reached_at, "player:p0"),
    )
    edit(plant, ADA, "SET #reachedAt = :r", r=states["player:p0"].reached_at)
    assert "entry player:p0: expected score 5 at version 2, found 4 at version 1" in found(plant)
    repair_index(plant)


def test_an_intent_that_has_begun_counts_as_done(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test a writer that dies at each of its writes: before the next one, verify finds only the writes left begun."""
    apply = type(plant.context.table).apply
    for writes in range(1, 9):
        left = iter(range(writes))

        def dying(table: object, update: Update, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise Killed
            apply(table, update)

        state = BoardUpdate("player:p0", 9000 + writes, writes + 1, 10**12 * 2 + writes, 1, "Beginner", "x")
        with monkeypatch.context() as patch:
            patch.setattr(type(plant.context.table), "apply", dying)
            try:
                write_states(plant.context, GLOBAL, GLOBAL, [state])
            except Killed:
                assert "intent" in item(plant, boards_keys.board_log(GLOBAL))
        begun = "intent" in item(plant, boards_keys.board_log(GLOBAL))
        lines = [line for line in found(plant) if not line.startswith("entry player:p0")]
        assert [line.split()[0] for line in lines] == ["intent"] * begun, f"after {writes} writes"
        write_states(plant.context, GLOBAL, GLOBAL, [])
        send_messages(plant.context, [BoardMessage(GLOBAL, GLOBAL, nonce=str(writes))])
        plant.world.run()


def test_tie_runs_are_verified_and_repaired(plant: Plant, small_runs: None) -> None:
    tied(plant, 15)
    nodes = {sk for pk, sk in plant.world.dynamodb.tables["laurel-sim"].rows if pk == f"NODE#{GLOBAL}"}
    score = number(plant, boards_keys.entry(GLOBAL, "player:tie00"), "score")
    assert {f"D.{score}", f"V.{score}.0", f"V.{score}.1"} <= nodes
    assert found(plant) == []
    damages = [
        (f"V.{score}.0", "ADD #01 :n", f"node V.{score}.0 run 1: expected 2, found 3"),
        (f"D.{score}", "ADD #00 :n", f"node D.{score} volume 0: expected 6, found 7"),
        (f"V.{score}.0", "SET #T01 = :n", f"node V.{score}.0 run 1: expected to begin after "),
        (f"V.{score}.0", "REMOVE #T01", f"node V.{score}.0 runs: expected numbers from 0 on, found [0, 2]"),
        (f"D.{score}", "SET #T01 = :n", f"node D.{score} volume 1: expected to begin after "),
        (f"0.{score >> 7}", f"REMOVE #T{score & 127:02X}", f"node D.{score}: expected no starts"),
    ]
    for name, expression, line in damages:
        edit(plant, boards_keys.node(GLOBAL, name), expression, **({"n": 1} if ":n" in expression else {}))
        lines = found(plant)
        assert any(each.startswith(line) for each in lines), (line, lines)
        repair_index(plant)
    tied(plant, 22)
    assert found(plant) == []


def test_repair_divides_a_large_group_that_has_no_mark(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    tied(plant, 12)
    score = number(plant, boards_keys.entry(GLOBAL, "player:tie00"), "score")
    assert not item(plant, boards_keys.node(GLOBAL, f"D.{score}"))
    for name, value in (("MARK_AT", 4), ("RUN", 2), ("RUNS", 3)):
        monkeypatch.setattr(ties, name, value)
    request_recount(plant.context, GLOBAL)
    plant.world.run()
    assert number(plant, boards_keys.node(GLOBAL, f"D.{score}"), "00") == 6
    assert found(plant) == []
    tied(plant, 20)
    assert found(plant) == []


def test_a_lost_index_is_rebuilt_from_the_players(plant: Plant, small_runs: None) -> None:
    tied(plant, 9)
    before = {key: row[0] for key, row in plant.world.dynamodb.tables["laurel-sim"].rows.items() if row}
    for pk, sk in before:
        if pk in (f"NODE#{GLOBAL}", f"BOARD_LOG#{GLOBAL}") or (
            pk == f"BOARD#{GLOBAL}" and sk.endswith(("1", "3", "5"))
        ):
            delete(plant, (pk, sk))
    assert list(rebuild_board(plant.context, GLOBAL))[-1] == Ordered(14, "")
    plant.world.run()
    assert found(plant) == []
    assert number(plant, boards_keys.node(GLOBAL, "TOTAL"), "00") == 14


def test_many_corrections_are_several_intents(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.services.boards.write_corrections.MAX_PART_BYTES", 1)
    seq = read_log(plant.context.table, GLOBAL).seq
    for name in ("0.0", "1.0", "2.0", "2.7", "TOTAL"):
        edit(plant, boards_keys.node(GLOBAL, name), "ADD #05 :n", n=2)
    repair_index(plant)
    assert read_log(plant.context.table, GLOBAL).seq >= seq + 3


def test_a_frozen_board_is_verified_and_repaired_and_late_states_are_no_differences(plant: Plant) -> None:
    weekly = board(plant, "weekly")
    freeze_board(plant.context, weekly, weekly)
    plant.world.sleep(3600)
    plant.world.run()
    assert found(plant, weekly) == []
    frozen = read_log(plant.context.table, weekly).frozen
    assert frozen is not None
    edit(plant, boards_keys.board_log(weekly), "SET #frozen = :at", at=plant.world.now_ms())
    edit(plant, boards_keys.entry(weekly, "player:p1"), "SET #score = :n", n=1)
    plant.world.sleep(3600)
    # Received in time, as far as Laurel knows, but too late for the freeze.
    send(plant, "p0", start=70)
    plant.world.run()
    verified = verify(plant, weekly)
    assert [str(each) for each in verified.differences if each.subject] == [
        "entry player:p1: expected score 5 at version 1, found 1 at version 1"
    ]
    assert (verified.after_freeze, verified.in_flight) == (1, 0)
    late = item(plant, boards_keys.entry(weekly, "player:p0"))
    repair_index(plant, weekly)
    request_rewrites(plant.context, weekly, ["player:p0", "player:p1"])
    plant.world.run()
    assert item(plant, boards_keys.entry(weekly, "player:p0"))["score"] == late["score"], (
        "what was refused stays refused"
    )
    assert read_log(plant.context.table, weekly).frozen is not None
    assert verify(plant, weekly).after_freeze == 1


def test_repair_rewrites_an_entry_of_any_version_and_later_states_follow(plant: Plant) -> None:
    edit(plant, ADA, "SET #v = :v", v=50)
    send(plant, "p0", start=80)
    plant.world.run()
    assert number(plant, ADA, "score") == 4, "version 50 refuses everything"
    request_rewrites(plant.context, GLOBAL, ["player:p0"])
    send(plant, "p0", start=81)
    plant.world.run()
    assert number(plant, ADA, "v") == 3
    assert found(plant) == []


def test_shards_are_proven_each_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    plant = build(0)
    rules = plant.context.rules
    sharded = msgspec.structs.replace(rules.boards["global"], shards=3)
    monkeypatch.setitem(rules.boards, "global", sharded)
    for each in range(12):
        send(plant, f"p{each}")
    plant.world.run()
    assert verify(plant).entries == 12
    assert found(plant) == []
    edit(plant, boards_keys.node(f"{GLOBAL}~1", "TOTAL"), "ADD #00 :n", n=3)
    lines = found(plant)
    assert len(lines) == 1
    assert lines[0].startswith("global#all~1: node TOTAL: expected ")
    repair_index(plant)
    # Another number of shards: a repair recounts them all.
    monkeypatch.setitem(rules.boards, "global", msgspec.structs.replace(sharded, shards=2))
    assert found(plant) != []
    repair_index(plant)


def test_corrections_that_do_not_fit_into_the_log_are_halved(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.services.boards.writer.MAX_INTENT_BYTES", 60)
    for name in ("0.0", "1.0", "2.0", "2.7", "TOTAL"):
        edit(plant, boards_keys.node(GLOBAL, name), "ADD #05 :n", n=2)
    repair_index(plant)


def test_hidden_and_renamed_players_are_right_on_open_and_frozen_boards(plant: Plant) -> None:
    weekly, boards = board(plant, "weekly"), [board(plant, scope) for scope in plant.context.rules.boards]
    freeze_board(plant.context, weekly, weekly)
    plant.world.run()
    admin = Caller("root", "key", frozenset({"admin"}))
    for decision, order in (("player.hidden", False), ("player.unhidden", True)):
        hide_player(plant.context, admin, "p0", decision)
        plant.world.run()
        assert ("order" in item(plant, boards_keys.entry(weekly, "player:p0"))) is order
        assert [line for name in boards for line in found(plant, name)] == []
    change_profile(plant.context, Caller("p1", "key", frozenset()), ProfileChange(display_name="Bo"))
    difference = "entry player:p1: expected name 'Bo', found ''"
    plant.world.scheduler.sources.remove(plant.sources["boards"])
    assert difference in found(plant, weekly)
    plant.world.scheduler.sources.append(plant.sources["boards"])
    plant.world.run()
    assert [line for name in boards for line in found(plant, name)] == []


def test_a_verification_stops_before_its_deadline_and_says_so(plant: Plant) -> None:
    """Test that differences found twice before the deadline are reported, and that the rest is not proven."""
    edit(plant, boards_keys.node(GLOBAL, "TOTAL"), "ADD #00 :n", n=3)
    edit(plant, ADA, "SET #name = :word", word="mallory")
    results = set()
    for asked in range(40):
        answers = iter([True] * asked)
        context = with_time(plant.context, lambda answers=answers: next(answers, False))  # type: ignore[misc]
        verified = verify_board(context, GLOBAL, lambda: plant.world.sleep(2))
        lines = [str(each) for each in verified.differences]
        results.add((verified.proven, len(lines)))
        assert set(lines) <= {
            "node TOTAL: expected 5, found 8",
            "entry player:p0: expected name '', found 'mallory'",
        }
    assert results == {(False, 0), (False, 1), (True, 2)}


def test_a_stopped_rebuild_continues_at_its_cursor(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Test that each player is requested at least once, however often the rebuild is stopped."""
    write_states(plant.context, GLOBAL, GLOBAL, [BoardUpdate("player:ghost", 7, 3, 1, 1, "Beginner", "x")])
    query, scan = Table.query, Table.scan_keys
    monkeypatch.setattr(Table, "scan_keys", lambda self, sk, start=None: _cut(scan(self, sk, start)))
    monkeypatch.setattr(Table, "query", lambda self, pk, **conditions: query(self, pk, **({"limit": 2} | conditions)))
    ordered: list[str] = []
    monkeypatch.setattr(
        "chalicelib.services.boards.rebuild_board.request_rewrites",
        lambda _context, _board, subjects: ordered.extend(subjects),
    )
    place, stops = "", 0
    while True:
        stopped = next(rebuild_board(plant.context, GLOBAL, place))
        place, stops = stopped.place, stops + 1
        if not place:
            break
    assert sorted(ordered) == [f"player:{name}" for name in ("ghost", "p0", "p1", "p2", "p3", "p4")]
    assert stops > 6
    with pytest.raises(InvalidRequest):
        next(rebuild_board(plant.context, GLOBAL, "elsewhere"))


def test_a_board_that_only_its_log_names_is_rebuilt_too(plant: Plant) -> None:
    name = "weekly#2026-W02"
    assert name not in kept_boards(plant.context)
    send_messages(plant.context, [BoardMessage(name, name, freeze=True)])
    plant.world.run()
    assert name in kept_boards(plant.context)


def _cut(page: Page) -> Page:
    """Return a page of a scan as if it had read one item of its kind only."""
    if len(page.items) < 2:
        return page
    return Page(page.items[:1], {name: page.items[0][name] for name in ("pk", "sk")})
