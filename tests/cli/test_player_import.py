"""Tests of `laurel player import`: a file is checked as a whole, and imported exactly once under its name."""

from __future__ import annotations

import getpass
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from chalicelib.domain.core.periods import day_name, day_of
from chalicelib.domain.identity.permissions import PLAYER
from chalicelib.services.boards.verify_board import verify_board
from chalicelib.services.events.resend_events import packed
from chalicelib.services.identity.authenticate import Caller
from chalicelib.services.ledger.read_statement import read_statement
from chalicelib.services.operations.verify_ledger import verify_ledger
from chalicelib.services.progress import import_players as use_case
from chalicelib.services.progress.import_lines import lines_of
from chalicelib.store.progress.imports import ImportedFile, add_imported_file
from chalicelib.store.progress.players import load_player
from tests.bench.player_imports import file_of
from tests.cli.conftest import Deployment, gateway_event
from tests.pipeline import plant as plants
from tests.pipeline.plant import TABLE


def days_ago(laurel: Deployment, number: int) -> str:
    return day_name(day_of(laurel.world.now_ms()) - number)


def ada(laurel: Deployment) -> dict[str, Any]:
    return {
        "player": "ada",
        "displayName": "Ada",
        "xp": 1234,
        "actions": {"request": 900, "combo_create": 7},
        "badges": [{"id": "first-steps", "earnedAt": "2025-01-02T03:04:05Z"}, {"id": "generous"}],
        "streak": {"current": 12, "longest": 40, "lastDay": days_ago(laurel, 0)},
        "balances": {"tokens": 200, "coins": 50},
    }


def write(folder: Path, *lines: Any, name: str = "players.jsonl") -> str:
    file = folder / name
    file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return str(file)


def run(laurel: Deployment, file: str, *options: str, status: int = 0, name: str = "old") -> Result:
    result = laurel.laurel("player", "import", file, "--name", name, *options, status=status)
    laurel.run()
    return result


def image(laurel: Deployment) -> dict[Any, Any]:
    rows = laurel.world.dynamodb.tables[TABLE].rows
    return {key: json.dumps(row[0], sort_keys=True, default=str) for key, row in rows.items() if row[0] is not None}


def assert_sums(laurel: Deployment) -> None:
    """Check that boards equal the players' totals, and that the ledger balances."""
    verified = verify_board(laurel.context, "global#all", lambda: laurel.world.sleep(1))
    assert (verified.differences, verified.in_flight) == ([], 0)
    assert verify_ledger(laurel.context, lambda: laurel.world.sleep(1)).differences == []


def score(laurel: Deployment, board: str, player: str) -> int:
    row = image(laurel).get((f"BOARD#{board}", f"ENTRY#player:{player}"))
    return int(json.loads(row)["score"]["N"]) if row else 0


def test_a_player_gets_all_figures_once(laurel: Deployment, tmp_path: Path) -> None:
    file = write(tmp_path, ada(laurel), {"player": "bob", "xp": 5, "private": True})
    assert "2 players: 2 imported, 0 unchanged, 0 conflicts" in run(laurel, file).stdout
    player = load_player(laurel.context.table, "ada")
    assert player
    assert (player.xp, player.level(laurel.context.rules), player.rewarded_level) == (1234, 3, 3)
    assert player.count("request") == 900
    assert player.badges["first-steps"].earned_at == 1_735_787_045_000
    assert player.badges.keys() == {
        "first-steps", "generous", "early-adopter",
        "getting-warmed-up", "week-warrior", "combo-architect", "monthly-devoted",
    }, "also those whose criteria are met now"  # fmt: skip
    today = day_of(laurel.world.now_ms())
    assert (player.streak.current(today), player.streak.longest, player.stats["daysActive"]) == (12, 40, 12)
    assert player.streak.marks == {7: [today]}
    assert laurel.context.ledger.balances(laurel.context.table, player.identity.account, ["tokens", "coins"]) == {
        "tokens": 200,
        "coins": 50,
    }
    assert (player.identity.display_name, score(laurel, "global#all", "ada")) == ("Ada", 1234)
    assert score(laurel, f"daily#{day_name(today)}", "ada") == 0
    assert score(laurel, "contributions#all", "ada") == 7
    assert_sums(laurel)
    caller = Caller("ada", "", frozenset([PLAYER]), player.identity.account, player.identity.public)
    (posting,) = read_statement(laurel.context, caller, asset="coins").postings
    assert (posting.kind, posting.amount, posting.other, posting.reason) == ("import", 50, "@mint", "old")
    published = [event.detail for event in laurel.world.events.published]
    assert {event["userId"] for event in published} == {"ada", "bob"}
    assert len({event["id"] for event in published}) == 2


def test_the_second_run_changes_nothing_in_the_table(laurel: Deployment, tmp_path: Path) -> None:
    file = write(tmp_path, ada(laurel), *({"player": f"p{number}", "xp": number} for number in range(120)))
    run(laurel, file)
    before = image(laurel)
    assert "121 players: 0 imported, 121 unchanged, 0 conflicts" in run(laurel, file).stdout
    assert image(laurel) == before
    for line in lines_of(laurel.context, "old", Path(file).read_bytes().splitlines()):
        laurel.send("own", line.raw)
    laurel.run()
    assert image(laurel) == before, "events that come again change nothing either"
    # After the dedupe records and the log have expired, and were deleted.
    laurel.world.sleep(120 * 86_400)
    laurel.run()
    assert "121 unchanged" in run(laurel, file).stdout
    assert laurel.xp("ada") == 1234
    assert_sums(laurel)


@pytest.mark.proof
def test_ten_thousand_players_twice(laurel: Deployment, tmp_path: Path) -> None:
    """Import 10,000 players, 500 of them with every figure: those take most time."""
    file = tmp_path / "players.jsonl"
    lines = file_of(500, laurel.world.now_ms())
    lines += [json.dumps({"player": f"p{number}", "xp": 1 + number}).encode() for number in range(9_500)]
    file.write_bytes(b"\n".join(lines))
    assert "10,000 players: 10,000 imported, 0 unchanged, 0 conflicts" in run(laurel, str(file)).stdout
    before = image(laurel)
    assert len([key for key in before if key[1] == "IMPORT#old"]) == 10_000
    assert "10,000 players: 0 imported, 10,000 unchanged, 0 conflicts" in run(laurel, str(file)).stdout
    assert image(laurel) == before, "every row, those of audit and of the file too"
    for body in packed([line.raw for line in lines_of(laurel.context, "old", lines[:500])], 100):
        laurel.send("own", body)
    laurel.run()
    assert image(laurel) == before, "also if the events themselves come again"
    assert laurel.listed() == []
    assert_sums(laurel)


def test_an_event_that_comes_after_91_days_changes_nothing(laurel: Deployment, tmp_path: Path) -> None:
    """Test the worker alone: the command would not send it."""
    file = write(tmp_path, ada(laurel))
    laurel.laurel("player", "import", file, "--name", "old", "--wait", "0", status=1)
    body = laurel.bodies("own")[0]
    laurel.run()
    laurel.world.sleep(91 * 86_400)
    before = image(laurel)
    laurel.send("own", body)
    laurel.run()
    assert image(laurel).items() <= before.items(), "TTL may have deleted rows"
    assert_sums(laurel)


def test_figures_are_added_to_those_of_a_player(laurel: Deployment, tmp_path: Path) -> None:
    for back in (0, 1):
        laurel.send("events", gateway_event("ada", id=f"e{back}", time=laurel.now(back * 86_400)))
    laurel.run()
    earned = laurel.xp("ada") or 0
    tokens = len([key for key in image(laurel) if key[1].startswith("POSTING#")])
    line = ada(laurel) | {"streak": {"current": 6, "lastDay": days_ago(laurel, 2)}}
    run(laurel, write(tmp_path, line))
    player = load_player(laurel.context.table, "ada")
    assert player
    today = day_of(laurel.world.now_ms())
    assert (player.xp, player.streak.current(today), player.streak.marks) == (earned + 1234, 8, {7: [today - 2]})
    assert len([key for key in image(laurel) if key[1].startswith("POSTING#")]) == tokens + 4, "no reward of a level"
    week = [board for board in image(laurel) if board[0].startswith("BOARD#weekly")]
    assert week
    assert_sums(laurel)
    laurel.send("events", gateway_event("ada", id="later", time=laurel.now()))
    laurel.run()
    assert_sums(laurel)


def test_what_a_player_chose_in_laurel_stays(laurel: Deployment, tmp_path: Path) -> None:
    laurel.send("events", gateway_event("ada", id="1"))
    laurel.run()
    change = {"specversion": "1.0", "id": "c", "source": "laurel/profile", "type": "profile.changed", "subject": "ada"}
    laurel.send("own", change | {"time": laurel.now(), "data": {"displayName": "Countess", "private": False}})
    laurel.run()
    run(laurel, write(tmp_path, {"player": "ada", "displayName": "Ada", "private": True}))
    player = load_player(laurel.context.table, "ada")
    assert player
    assert (player.identity.display_name, player.identity.private) == ("Countess", False)


def test_a_changed_line_is_a_conflict_and_the_others_are_imported(laurel: Deployment, tmp_path: Path) -> None:
    run(laurel, write(tmp_path, ada(laurel)))
    file = write(tmp_path, ada(laurel) | {"xp": 1235}, {"player": "eve", "xp": 1})
    previewed = run(laurel, file, "--dry-run")
    assert "1 to import, 0 imported before, 1 conflict" in previewed.stdout
    assert laurel.xp("eve") is None
    result = run(laurel, file, status=1)
    assert "2 players: 1 imported, 0 unchanged, 1 conflict" in result.stdout
    assert "line 1: 'ada' got other figures from this import before" in result.stderr
    assert (laurel.xp("ada"), laurel.xp("eve")) == (1234, 1)


def test_a_conflict_in_the_queue_is_a_rejected_message(laurel: Deployment, tmp_path: Path) -> None:
    """Two commands with different lines run at once: the first event wins, the other one is on record."""
    for xp in (7, 8):
        file = write(tmp_path, {"player": "ada", "xp": xp})
        laurel.laurel("player", "import", file, "--name", "old", "--wait", "0", status=1)
    laurel.run()
    assert laurel.xp("ada") in (7, 8)
    assert [failed["reason"] for failed in laurel.listed()] == ["import_conflict"]
    result = run(laurel, write(tmp_path, {"player": "ada", "xp": 7}, name="a"), status=int(laurel.xp("ada") == 8))
    assert ("1 unchanged" in result.stdout) == (laurel.xp("ada") == 7)


def test_other_names_add_again_and_the_same_file_only_on_request(laurel: Deployment, tmp_path: Path) -> None:
    file = write(tmp_path, {"player": "ada", "xp": 7})
    run(laurel, file)
    said = run(laurel, file, name="new", status=1).stderr
    assert said == "Error: This file was imported as 'old' before; another name adds all figures again. " + (
        "Use that name, or --again.\n"
    )
    assert laurel.xp("ada") == 7
    run(laurel, file, "--again", name="new")
    assert laurel.xp("ada") == 14


@pytest.mark.parametrize("login", ["root", None])
def test_every_run_that_sends_something_is_audited(
    laurel: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: str | None
) -> None:
    def getuser() -> str:
        if login is None:
            raise KeyError("getpwuid(): uid not found: 1000")
        return login

    monkeypatch.setattr(getpass, "getuser", getuser)
    file = write(tmp_path, {"player": "ada", "xp": 7})
    for _ in range(2):
        run(laurel, file)
    audits = [json.loads(row) for key, row in image(laurel).items() if key[0].startswith("AUDIT#")]
    assert [(row["what"]["S"], row["by"]["S"]) for row in audits] == [("import", login or "unknown")]
    details = json.loads(audits[0]["details"]["S"])
    assert (details["name"], details["players"], len(details["sha256"])) == ("old", 1, 64)


def test_a_stopped_import_continues(laurel: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_case, "PLAYERS_AT_ONCE", 10)
    file = write(tmp_path, *({"player": f"p{number}", "xp": 1 + number} for number in range(40)))
    send, calls = laurel.context.queues.send, []

    def stopping(queue: str, bodies: list[str]) -> None:
        calls.append(queue)
        if len(calls) == 3:
            raise KeyboardInterrupt
        send(queue, bodies)

    laurel.context.queues.send = stopping  # type: ignore[method-assign]
    assert "the same command continues" in laurel.laurel("player", "import", file, "--name", "old", status=130).stderr
    laurel.context.queues.send = send  # type: ignore[method-assign]
    laurel.run()
    assert "40 players: 20 imported, 20 unchanged" in run(laurel, file).stdout
    assert [laurel.xp(f"p{number}") for number in range(40)] == list(range(1, 41))


def test_the_window_bounds_the_events_in_the_queue(
    laurel: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_case, "WINDOW", 100)
    most, real = 0, laurel.run

    def work() -> None:
        nonlocal most
        most = max(most, sum(len(json.loads(body)) for body in laurel.bodies("own")))
        real()

    monkeypatch.setattr(laurel, "run", work)
    run(laurel, write(tmp_path, *({"player": f"p{number}", "xp": 1} for number in range(250))))
    assert most == 100


def test_the_command_reports_players_that_are_not_applied_in_time(laurel: Deployment, tmp_path: Path) -> None:
    file = write(tmp_path, {"player": "ada", "xp": 7})
    result = laurel.laurel("player", "import", file, "--name", "old", "--wait", "0", status=1)
    assert "0 imported, 0 unchanged, 0 conflicts, 1 queued and not applied yet" in result.stdout
    assert "Run the same command again" in result.stderr
    laurel.run()
    assert "1 unchanged" in run(laurel, file).stdout


def test_players_that_another_ruleset_rejects_are_reported(laurel: Deployment, tmp_path: Path) -> None:
    """The deployment's ruleset is unknown and lacks a badge of the command's ruleset."""
    laurel.target.deployed_ruleset = ""
    laurel.plant.context = replace(laurel.context, rules=plants.rules())
    file = write(tmp_path, {"player": "bob", "xp": 1}, {"player": "ada", "badges": [{"id": "generous"}]})
    result = run(laurel, file, "--wait", "1", status=1)
    assert "2 players: 1 imported, 0 unchanged, 0 conflicts, 1 rejected" in result.stdout
    assert result.stderr == "line 2: 'ada' was rejected: There is no badge 'generous'.\n"


def test_what_others_send_is_no_rejection_of_an_import(laurel: Deployment, tmp_path: Path) -> None:
    """Any sender can put such an event into the public queue, where it is rejected, or text that is no event."""
    file = write(tmp_path, {"player": "ada", "xp": 7})
    (line,) = lines_of(laurel.context, "old", Path(file).read_bytes().splitlines())
    text = 'not JSON: "player.imported"'
    bodies: list[Any] = [text, ["player.imported", line.raw], line.raw]
    for body in bodies:
        laurel.send("events", body)
    for body in bodies[:1]:
        laurel.send("own", body)
    laurel.run()
    assert len(laurel.listed()) == 4
    result = laurel.laurel("player", "import", file, "--name", "old", "--wait", "0", status=1)
    assert "0 imported, 0 unchanged, 0 conflicts, 1 queued and not applied yet" in result.stdout


def test_two_commands_with_the_same_new_file_record_it_once(
    laurel: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, late = use_case.read_imported_file, iter([True])

    def read(table: Any, sha256: str) -> Any:
        found = real(table, sha256)
        if next(late, False):
            add_file(laurel, sha256)
        return found

    monkeypatch.setattr(use_case, "read_imported_file", read)
    assert "1 imported" in run(laurel, write(tmp_path, {"player": "ada", "xp": 1})).stdout
    assert len([key for key in image(laurel) if key[0] == "IMPORTED_FILE"]) == 1


def add_file(laurel: Deployment, sha256: str) -> None:
    tx = laurel.context.table.transaction()
    add_imported_file(tx, ImportedFile(sha256, "old", laurel.world.now_ms()))
    tx.commit()


BAD: dict[str, tuple[Any, str]] = {
    "json": ('{"player": ', "The line is not valid JSON: "),
    "list": ("[1]", "The line must be an object."),
    "player": ({"xp": 1}, "'player' is missing."),
    "id": ({"player": "a b"}, "'player' must be 1-128 characters of A-Z a-z 0-9 . _ : @ -."),
    "mint": ({"player": "@mint"}, "'@mint' cannot be a player's id."),
    "member": ({"player": "a", "exp": 1}, "There is no member 'exp'; did you mean 'xp'?"),
    "xp": ({"player": "a", "xp": -1}, "'xp' must be an integer from 0 to 1000000000000."),
    "much": ({"player": "a", "xp": 10**12 + 1}, "'xp' must be an integer from 0 to 1000000000000."),
    "text": ({"player": "a", "xp": "12"}, "'xp' must be an integer from 0 to 1000000000000."),
    "name": (
        {"player": "a", "displayName": "User***0001"},
        "'displayName' must be 1 to 50 visible characters, unlike the name of a masked player.",
    ),
    "badge": (
        {"player": "a", "badges": [{"id": "first-step"}]},
        "There is no badge 'first-step'; did you mean 'first-steps'?",
    ),
    "badge twice": ({"player": "a", "badges": [{"id": "generous"}] * 2}, "The badge 'generous' is named twice."),
    "badge day": (
        {"player": "a", "badges": [{"id": "generous", "earnedAt": "2027-01-01T00:00:00Z"}]},
        "'earnedAt' of the badge 'generous' is in the future.",
    ),
    "action": ({"player": "a", "actions": {"requests": 1}}, "There is no action 'requests'; did you mean 'request'?"),
    "asset": ({"player": "a", "balances": {"coin": 1}}, "There is no asset 'coin'; did you mean 'coins'?"),
    "future": (
        {"player": "a", "streak": {"current": 1, "lastDay": "2027-05-19"}},
        "'streak.lastDay' is 2027-05-19, and today is ",
    ),
    "no last day": (
        {"player": "a", "streak": {"current": 1}},
        "'streak.lastDay' is missing: it is the last day of the current streak.",
    ),
    "last day": (
        {"player": "a", "streak": {"current": 1, "lastDay": "19.05.2026"}},
        "'streak.lastDay' must be a day such as 2026-05-19.",
    ),
    "longest": (
        {"player": "a", "streak": {"current": 9, "longest": 8, "lastDay": "2026-05-01"}},
        "'streak.longest' is 8, below 'streak.current', 9.",
    ),
    "begin": (
        {"player": "a", "streak": {"current": 9999, "lastDay": "2026-05-01"}},
        "The current streak begins before 2000-01-01.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_line_is_named_and_nothing_is_sent(laurel: Deployment, tmp_path: Path, what: str) -> None:
    line, sentence = BAD[what]
    result = run(laurel, write(tmp_path, {"player": "good", "xp": 1}, "", line), status=1)
    assert result.stderr.startswith(f"line 3: {sentence}")
    assert result.stderr.endswith("Error: 1 bad line; nothing was imported.\n")
    assert (laurel.bodies("own"), image(laurel)) == ([], {})


def test_a_player_on_two_lines_and_many_bad_lines(laurel: Deployment, tmp_path: Path) -> None:
    result = run(laurel, write(tmp_path, *[{"player": "ada", "xp": 1}] * 30), status=1)
    lines = result.stderr.splitlines()
    assert lines[0] == "line 2: The player 'ada' is on line 1 too."
    assert lines[20:] == ["9 more bad lines", "Error: 29 bad lines; nothing was imported."]
    assert "line 1: The file has no players." in run(laurel, write(tmp_path), status=1).stderr


def test_a_dry_run_says_what_would_be_imported(laurel: Deployment, tmp_path: Path) -> None:
    result = run(laurel, write(tmp_path, ada(laurel), {"player": "bob", "xp": 5}), "--dry-run")
    assert result.stdout == (
        "2 players: 1,239 XP, 2 badges, 50 coins, 200 tokens\n2 to import, 0 imported before, 0 conflicts\n"
    )
    assert (laurel.bodies("own"), image(laurel)) == ([], {})


def test_a_name_is_necessary_and_short(laurel: Deployment, tmp_path: Path) -> None:
    file = write(tmp_path, {"player": "ada"})
    assert "Missing option '--name'" in laurel.laurel("player", "import", file, status=2).stderr
    assert "must be 1-48 characters" in run(laurel, file, name="a b", status=1).stderr


def test_the_largest_player_fits_into_an_event(laurel: Deployment, tmp_path: Path) -> None:
    """Every badge, action and asset of the ruleset, with the longest id and name."""
    rules = laurel.context.rules
    line = {
        "player": "a" * 128,
        "displayName": "N" * 50,
        "private": True,
        "xp": 10**12,
        "actions": dict.fromkeys(rules.actions, 10**12),
        "badges": [{"id": badge, "earnedAt": "2025-01-02T03:04:05Z"} for badge in rules.badges],
        "streak": {"current": 9000, "longest": 10_000, "lastDay": days_ago(laurel, 0)},
        "balances": dict.fromkeys(rules.ruleset.assets, 10**12),
    }
    assert "1 imported" in run(laurel, write(tmp_path, line)).stdout
    assert_sums(laurel)
