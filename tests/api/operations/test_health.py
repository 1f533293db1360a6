"""Health: what it checks, since when, at which cost, and what it does when a part does not respond."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from chalicelib.domain.core.periods import moment_name
from chalicelib.services.operations.finish_run import LATE_MS, finish_run
from chalicelib.services.operations.read_health import BUDGET_MS, KEPT_MS, QUEUES
from chalicelib.store.core.table import Busy, Table
from infra.settings import FUNCTION, QUEUE
from tests.api.conftest import Site

PATH = "/health"


@pytest.fixture
def running(site: Site) -> Site:
    """Return a site whose scheduled functions have just finished a run."""
    for function in LATE_MS:
        with site.world.acting_as(function):
            finish_run(site.context, function)
    site.begin = site.world.now_ms()  # type: ignore[attr-defined]
    return site


def checks(site: Site, key: str = "", status: int = 200) -> dict[str, dict[str, Any]]:
    """Return the checks of a new answer by name."""
    site.world.sleep(KEPT_MS / 1000 + 1)
    answer = site.get(PATH, key)
    assert answer.status == status
    return {each["name"]: each for each in answer.json["checks"]}


def at(site: Site, ms: int = 0) -> str:
    """Return the text of a moment after the first runs."""
    return moment_name(site.begin + ms)  # type: ignore[attr-defined]


def test_everybody_sees_what_is_well_since_when_and_nothing_more(running: Site) -> None:
    answer = running.get(PATH)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "public, max-age=3"
    assert answer.json["status"] == "ok"
    since = at(running)
    assert [each["name"] for each in answer.json["checks"]] == ["table", "queues", *LATE_MS]
    for each in answer.json["checks"]:
        assert each == {"name": each["name"], "status": "ok", "since": each["since"]}
        assert each["since"] == since or each["name"] == "queues"


def test_only_admins_see_details(running: Site) -> None:
    assert "detail" not in checks(running, running.key("anna", "events:write"))["queues"]
    found = checks(running, running.key("root", "admin"))
    assert found["queues"]["detail"] == ", ".join(f"{name} 0" for name in QUEUES)
    assert found["rotate"]["detail"] == f"the last run finished at {at(running)}"
    assert running.get(PATH, "laurel_00000000_" + "0" * 32).status == 401


def test_a_check_reads_six_rows_and_counts_seven_queues_at_most_every_five_seconds(running: Site) -> None:
    running.get(PATH)
    running.world.sleep(KEPT_MS / 1000 + 1)
    running.world.calls.clear()
    running.world.dynamodb.meter.reset()
    for _ in range(3):
        assert running.get(PATH).status == 200
    assert dict(running.world.calls) == {"BatchGetItem": 1, "GetQueueAttributes": 7}
    assert running.world.dynamodb.meter.read_units == 3.0


def test_the_queues_are_those_of_the_template(running: Site) -> None:
    assert set(QUEUES) == set(QUEUE)
    assert set(LATE_MS) <= set(FUNCTION)


def test_a_function_that_is_late_is_degraded_since_then(running: Site) -> None:
    running.world.sleep(LATE_MS["rotate"] / 1000 + 60)
    found = checks(running)
    assert found["rotate"] == {"name": "rotate", "status": "degraded", "since": at(running, LATE_MS["rotate"])}
    assert found["verify"]["status"] == "ok"
    assert found["table"] == {"name": "table", "status": "ok", "since": None}, "the sweep is late too"
    finish_run(running.context, "rotate")
    again = running.world.now_ms() - running.begin  # type: ignore[attr-defined]
    assert checks(running)["rotate"] == {"name": "rotate", "status": "ok", "since": at(running, again)}


def test_differences_are_degraded_since_they_were_found(running: Site) -> None:
    running.world.sleep(3600)
    finish_run(running.context, "verify", 2)
    running.world.sleep(3600)
    finish_run(running.context, "verify", 1)
    found = checks(running, running.key("root", "admin"))["verify"]
    assert (found["status"], found["since"]) == ("degraded", at(running, 3_600_000))
    assert found["detail"].startswith("1 differences: the last run finished at ")


def test_a_function_that_has_never_finished_is_unknown(site: Site) -> None:
    answer = site.get(PATH)
    assert (answer.status, answer.json["status"]) == (200, "ok")
    assert {each["name"]: each["status"] for each in answer.json["checks"]} == {
        "table": "ok",
        "queues": "ok",
        **dict.fromkeys(LATE_MS, "unknown"),
    }


def test_a_dead_letter_is_degraded_since_a_check_has_found_it(running: Site) -> None:
    assert checks(running)["queues"]["status"] == "ok"
    running.plant.sqs.send_message(QueueUrl=running.plant.urls["dead_letter"], MessageBody="1")
    first = checks(running)["queues"]
    since = running.world.now_ms()
    assert first["status"] == "degraded"
    running.world.sleep(600)
    running.context.health.clear()
    assert checks(running)["queues"] == first, "another process reads since when"
    running.world.queue(running.plant.urls["dead_letter"]).purge(running.world.now_ms())
    ended = checks(running)["queues"]
    assert ended["status"] == "ok"
    assert ended["since"] > first["since"]
    assert since > 0


def test_a_queue_that_does_not_respond_is_503_with_all_checks(running: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    real = running.plant.context.queues.client.get_queue_attributes  # type: ignore[attr-defined]

    def broken(**request: Any) -> Any:
        if request["QueueUrl"] == running.plant.urls["events"]:
            raise EndpointConnectionError(endpoint_url="https://sqs")
        return real(**request)

    with monkeypatch.context() as patch:
        patch.setattr(running.plant.context.queues.client, "get_queue_attributes", broken)  # type: ignore[attr-defined]
        running.world.sleep(KEPT_MS / 1000 + 1)
        answer = running.get(PATH)
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert answer.json["error"] == "Some parts do not respond: 'queues'."
    assert (answer.json["code"], answer.json["status"]) == ("unavailable", "failing")
    found = {each["name"]: each["status"] for each in answer.json["checks"]}
    assert (found["queues"], found["table"], found["rotate"]) == ("failing", "ok", "ok")
    assert checks(running)["queues"]["status"] == "ok"


@pytest.fixture
def burning(running: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return a site whose table does not respond."""

    def broken(*_: Any, **__: Any) -> Any:
        raise Busy("the table is on fire")

    monkeypatch.setattr(Table, "get_many", broken)
    return running


def test_a_table_that_does_not_respond_is_503_since_this_process_found_it(burning: Site) -> None:
    first = checks(burning, status=503)
    assert first["table"]["status"] == "failing"
    assert set(first) == {"table", "queues"}
    burning.world.sleep(60)
    assert checks(burning, status=503)["table"] == first["table"]
    assert "fire" not in str(first)


def test_callers_with_a_key_see_the_checks_while_the_table_does_not_respond(
    running: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitor with a key must see no less than one without."""
    key = running.key("ops", "admin")

    def broken(*_: Any, **__: Any) -> Any:
        raise Busy("the table is on fire")

    for read in ("get", "get_many"):
        monkeypatch.setattr(Table, read, broken)
    found = checks(running, key, status=503)
    assert found["table"]["status"] == "failing"
    assert all("detail" not in each for each in found.values())
    refused = running.get("/profile", key)
    assert (refused.status, "checks" in refused.json) == (503, False)


@pytest.mark.parametrize("parallel", [False, True])
def test_a_part_that_hangs_does_not_hang_the_check(
    running: Site, monkeypatch: pytest.MonkeyPatch, *, parallel: bool
) -> None:
    """Test queues that respond to nothing until a call's timeout of four seconds."""

    def hang(**_: Any) -> Any:
        running.world.sleep(0 if parallel else 4)
        raise ReadTimeoutError(endpoint_url="https://sqs")

    monkeypatch.setattr(running.plant.context.queues.client, "get_queue_attributes", hang)  # type: ignore[attr-defined]
    if parallel:
        running.context = running.plant.context = replace(running.plant.context, pool=ThreadPoolExecutor(8))
    began = running.world.now_ms()
    answer = running.get(PATH)
    assert running.world.now_ms() - began <= BUDGET_MS
    assert answer.status == 503
    found = {each["name"]: each["status"] for each in answer.json["checks"]}
    assert (found["table"], found["queues"], found["sweep"]) == ("ok", "failing", "ok")


def test_a_part_that_is_not_checked_in_time_is_unknown(running: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **__: Any) -> Any:
        running.world.sleep(4)
        raise Busy("no response")

    monkeypatch.setattr(Table, "get_many", hang)
    found = checks(running, status=503)
    assert (found["table"]["status"], found["queues"]["status"]) == ("failing", "unknown")
