"""Tests of the bench: exact values of counted figures; timed figures can be taken."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from chalicelib.domain.core.periods import day_of
from chalicelib.services.events.messages import Message
from chalicelib.services.progress.import_lines import lines_of
from chalicelib.services.progress.process_messages import process_messages
from chalicelib.store.progress.players import load_player
from tests.bench import __main__ as bench
from tests.bench import (
    badges,
    contention,
    cost,
    crowds,
    economy,
    figures,
    order,
    player_imports,
    progress,
    reject,
    repairs,
    slow_gateways,
)
from tests.bench.deployment import Deployment
from tests.bench.figures import TARGETS, Figure, NotTaken, Skipped
from tests.bench.traffic import Zipf, lambda_event, request


@pytest.mark.parametrize(("events_per_player", "units"), [(1, 4.0), (10, 0.6)])
def test_write_units_of_the_progress_part(events_per_player: int, units: float) -> None:
    taken = {figure.params["events_per_player"]: figure.value for figure in progress.write_units(events=40)}
    assert taken[events_per_player] == units


def test_a_batch_of_players_is_two_batch_reads_and_a_transaction_for_each() -> None:
    deployment = Deployment()
    with progress.handler(deployment) as run:
        progress.recorded(deployment, run, 1, events=20)
    calls = Counter(operation for operation, _ in deployment.tape.requests)
    assert calls == {"BatchGetItem": 2, "TransactWriteItems": 20, "SendMessageBatch": 1}
    for operation, params in deployment.tape.requests:
        if operation == "TransactWriteItems":
            keys = [write["Put"]["Item"]["sk"]["S"] for write in params["TransactItems"]]
            assert [key.split("#")[0] for key in keys] == ["LOG", "STATE"]


def test_an_import_of_a_player_is_one_transaction_of_thirteen_items() -> None:
    deployment = Deployment()
    line = player_imports.file_of(1, deployment.world.now_ms())
    (known,) = lines_of(deployment.context, "bench", line)
    deployment.tape.record()
    body = json.dumps(known.raw)
    process_messages(deployment.context, "own", [Message("m", "r", body, deployment.world.now_ms())])
    calls = Counter(operation for operation, _ in deployment.tape.requests)
    assert calls == {"BatchGetItem": 2, "TransactWriteItems": 1, "SendMessageBatch": 1, "PutEvents": 1}
    (transaction,) = (params for operation, params in deployment.tape.requests if operation == "TransactWriteItems")
    items = [write.get("Put", {}).get("Item") or write["Update"]["Key"] for write in transaction["TransactItems"]]
    assert [item["sk"]["S"].split("#")[0] for item in items] == [
        "LOG", "STATE", "IDENTITY", "PLAYER", "STREAK", "BADGES", "IMPORT",
        "POSTING", "POSTING", "BALANCE", "POSTING", "POSTING", "BALANCE",
    ]  # fmt: skip
    assert [figure.value for figure in player_imports.units(players=40)] == [26.0]


@pytest.mark.proof
def test_cpu_is_measured_with_recorded_responses() -> None:
    taken = list(progress.cpu(runs=1, events=40))
    spent = [figure for figure in taken if figure.name == "progress.cpu_ms_per_1000_events"]
    circumstances = [(figure.params["players"], figure.params["streak_days"]) for figure in spent]
    assert circumstances == [(40, 1), (40, 1095), (4, 1), (4, 1095)]
    assert all(figure.value > 0 for figure in taken)
    ratios = [figure for figure in taken if figure.name == "progress.cpu_of_long_streaks"]
    assert [(figure.params["players"], figure.unit) for figure in ratios] == [(40, "x"), (4, "x")]


def test_a_lengthened_streak_continues() -> None:
    deployment = Deployment()
    with progress.handler(deployment) as run:
        progress.recorded(deployment, run, 1, events=2, streak_days=1095)
    player = load_player(deployment.context.table, "player-0001")
    assert player is not None
    assert player.streak.current(day_of(deployment.world.now_ms())) == player.streak.longest == 1095


@pytest.mark.filterwarnings("ignore:No application metrics")
def test_other_calls_than_the_recorded_ones_are_an_error() -> None:
    deployment = Deployment()
    with progress.handler(deployment) as run:
        prepared = progress.recorded(deployment, run, 1, events=5)
        deployment.tape.play()
        run(prepared[0])
        assert deployment.tape.played_out()
        more = [request(f"player-{number:04d}", number, deployment.world.now_ms()) for number in range(6)]
        with pytest.raises(NotTaken):
            run(lambda_event(more, deployment.world.now_ms()))


def test_of_all_xp_only_provider_switches_depend_on_the_order_of_arrival() -> None:
    spread, payments = order.spread(orders=2, events=300)
    assert spread.params["actions_that_differ"] == ["provider_switch"]
    assert 0 < spread.value < 5
    assert payments.value == 1
    assert payments.params["least_switches"] < payments.params["most_switches"]


def test_nothing_is_lost_under_contention() -> None:
    (figure,) = contention.retries(seeds=(5,), events=120)
    assert figure.value > 0
    assert figure.params["writes"] > 0


def test_bad_messages_leave_time_for_the_good_ones() -> None:
    taken = list(reject.seconds())
    assert figures.misses(taken) == []
    for figure, writes in zip(taken, (20, 40), strict=True):
        assert figure.params["acknowledged"] == figure.params["bad"] + figure.params["applied"] == 100
        assert (figure.params["invalid_events"], figure.params["row_writes"]) == (10_000, writes)
        # Two reads, a write for each of 80 players, messages to boards and bus, the rows, a call for ten envelopes.
        assert 0.5 < figure.value < 1


@pytest.mark.proof
def test_the_bill_of_a_stretch_adds_up() -> None:
    play = cost.Play(cost.Stretch(4, 10))
    play.run()
    bill = play.bill
    assert play.events > 20
    assert 1 <= bill.write_units / play.events <= 6
    # Four boards of XP, 6.4 units each for one update: entry, move on the index, nodes, the log twice.
    # Updates of one batch share nodes and log.
    assert 10 <= bill.entry_write_units / play.events <= 4 * 6.5
    # A send for each event, a receive and a delete for each batch of up to ten, and three sources polled idly.
    assert bill.sqs_requests == play.events + 2 * play.batches + 10 * cost.IDLE_POLLS_PER_S * 3
    assert bill.invocations >= 2 * play.batches
    assert all(part >= 0 for part in bill.parts().values())
    assert not play.boards.messages()


@pytest.mark.proof
def test_many_events_a_second_cost_less() -> None:
    few, many = (next(cost.whole_path((stretch,))).value for stretch in (cost.Stretch(1, 15), cost.Stretch(20, 3)))
    assert many < few


def test_badges_are_evaluated() -> None:
    none, every = badges.evaluation(runs=10)
    assert (none.params["earned"], every.params["earned"]) == (0, 200)
    assert none.value < 5


def test_a_transfer_is_six_items_in_one_write() -> None:
    taken = list(economy.transfers())
    assert figures.misses(taken) == []
    assert {figure.name for figure in taken} == set(economy.TRANSFER_NAMES)
    assert {figure.value for figure in taken if figure.name == "transfer.write_units"} == {12}
    assert [figure.value for figure in taken if figure.name == "transfer.replay_read_units"] == [1, 1, 1.5]


def test_a_transfer_does_not_wait_for_queue_and_bus() -> None:
    taken = {figure.params["hangs"] for figure in slow_gateways.transfers(count=1)}
    assert taken == {"answer", "connection"}


def test_a_redemption_is_one_write() -> None:
    taken = list(economy.redemptions())
    assert figures.misses(taken) == []
    assert {figure.name for figure in taken} == set(economy.REDEEM_NAMES)
    assert [figure.value for figure in taken if figure.name == "redeem.items"] == [6, 7, 7, 5, 7]


def test_only_transfers_of_common_accounts_conflict() -> None:
    taken = {(each.params["accounts"], each.params["clients"]): each.value for each in crowds.transfers(rounds=3)}
    assert taken["spread", 8] == taken["hot", 1] == 0
    assert 0 < taken["hot", 8] < 5


def test_redemptions_without_a_limit_have_no_conflicts() -> None:
    taken = {
        (each.params["accounts"], each.params["stock"], each.params["clients"]): each.value
        for each in crowds.redemptions(rounds=3)
    }
    assert taken["spread", False, 8] == 0
    assert 0 < taken["spread", True, 8] < 5
    assert 0 < taken["hot", False, 8] < 5


def test_zipf_shares_sum_to_one() -> None:
    zipf = Zipf(100, 1.1)
    assert sum(map(zipf.share, range(100))) == pytest.approx(1)
    assert zipf.share(0) > zipf.share(1) > zipf.share(99)


def test_every_figure_has_a_part_and_every_target_a_figure() -> None:
    names = [name for part in bench.PARTS for name in part.names]
    assert len(names) == len(set(names))
    assert {target.name for target in TARGETS} <= set(names)


def test_a_part_prints_json_lines_and_misses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "TARGETS", (figures.Target("badges.eval_ms", 0.0, {"earned": 0}),))
    assert bench.main("badges") == 0
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [set(line) for line in lines] == [{"name", "value", "unit", "params"}] * 2
    assert printed.err.count("missed: badges.eval_ms") == 1


def test_a_miss_of_a_counted_figure_is_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = (bench.Part(("a.counted",), lambda: iter([Figure("a.counted", 3, "units")]), 5),)
    monkeypatch.setattr(bench, "PARTS", parts)
    monkeypatch.setattr(figures, "TARGETS", (figures.Target("a.counted", 2, counted=True),))
    assert bench.main("") == 1
    assert "missed: a.counted" in capsys.readouterr().err


def test_a_skipped_figure_has_a_reason(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [Skipped("a.server", "no server"), Figure("a.file_ms", 3, "ms")]
    parts = (bench.Part(("a.server.rank_ms", "a.file_ms"), lambda: iter(taken), 5),)
    monkeypatch.setattr(bench, "PARTS", parts)
    assert bench.main("") == 0
    printed = capsys.readouterr()
    assert "skipped: a.server: no server" in printed.err
    assert [json.loads(line)["name"] for line in printed.out.splitlines()] == ["a.file_ms"]


def test_a_figure_that_cannot_be_taken_is_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = (
        bench.Part(("a.silent",), lambda: iter(()), 5),
        bench.Part(("a.broken",), lambda: iter([1 // 0]), 5),
        bench.Part(("a.good",), lambda: iter([Figure("a.good", 1, "ms")]), 5),
    )
    monkeypatch.setattr(bench, "PARTS", parts)
    assert bench.main("") == 1
    printed = capsys.readouterr()
    assert [json.loads(line)["name"] for line in printed.out.splitlines()] == ["a.good"]
    assert "a.silent cannot be taken" in printed.err
    assert "ZeroDivisionError" in printed.err
    assert bench.main("b.") == 2


@pytest.mark.proof
def test_a_computed_board_is_repaired_during_updates() -> None:
    """The measured process repairs a board of a few thousand players without an index, and a damaged one."""
    taken = list(repairs.repairs(players=2_000, repairs_of_each=2, kinds=(True,)))
    assert [figure.name for figure in taken] == ["repair.longest_step_s", "repair.peak_mb"]
    for figure in taken:
        assert figure.params["steps"] >= 4
        assert figure.params["updates"] > 200
        assert figure.value > 0
