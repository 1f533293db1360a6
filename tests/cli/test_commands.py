"""Tests of the other commands, their errors, and the lookup of the deployment."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.session import get_session
from botocore.stub import Stubber
from click.testing import CliRunner

from chalicelib.cli import main, target
from chalicelib.cli.target import NoTarget, Target
from chalicelib.services.identity.authenticate import authenticate
from chalicelib.settings import RULESETS
from infra.settings import QUEUES, Build
from infra.template import outputs
from tests.cli.conftest import Deployment, gateway_event


def test_ruleset_check_prints_a_summary_or_key_and_reason(tmp_path: Path) -> None:
    good = CliRunner().invoke(main, ["ruleset", "check", str(RULESETS / "default.toml")])
    assert good.exit_code == 0
    assert good.stdout.startswith("OK: ")
    bad = tmp_path / "mine.toml"
    bad.write_text((RULESETS / "default.toml").read_text().replace("cap = 100", 'cap = "many"'))
    result = CliRunner().invoke(main, ["ruleset", "check", str(bad)])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "mine.toml: levels.cap: " in result.stderr


def test_ruleset_apply_prints_its_effect_and_asks(laurel: Deployment) -> None:
    laurel.send("events", gateway_event("ada", id="1"))
    laurel.run()
    said = laurel.laurel("ruleset", "apply", "--dry-run").stdout
    assert "1 player, 0 of them affected" in said
    laurel.laurel("ruleset", "apply", stdin="n\n")
    assert not laurel.world.queue(laurel.plant.urls["own"]).messages()
    assert "1 player queued" in laurel.laurel("ruleset", "apply", "--yes").stdout
    laurel.run()


def test_a_key_is_printed_once_and_works(laurel: Deployment) -> None:
    result = laurel.laurel("key", "create", "--player", "ada", "--permission", "admin")
    caller = authenticate(laurel.context, result.stdout.strip())
    assert caller.player == "ada"
    assert caller.may("admin")
    assert result.stdout.strip() not in result.stderr
    assert "'permission' must be" not in result.stderr
    bad = laurel.laurel("key", "create", "--player", "not a player", status=1)
    assert bad.stderr.startswith("Error: 'player' must be")


def test_a_player_is_shown(laurel: Deployment) -> None:
    laurel.send("events", gateway_event("ada", id="1"))
    laurel.run()
    shown = json.loads(laurel.laurel("player", "show", "ada").stdout)
    assert (shown["id"], shown["stats"]["requests"]) == ("ada", 1)
    assert "no such player" in laurel.laurel("player", "show", "nobody", status=1).stderr


def test_without_a_deployment_the_message_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAUREL_TABLE", raising=False)
    monkeypatch.setattr(target, "_state_files", lambda: [tmp_path / "state.json"])
    result = CliRunner().invoke(main, ["dlq", "list"])
    assert result.exit_code == 1
    assert "make run" in result.stderr
    (tmp_path / "state.json").write_text('{"port": 1, "pid": 1}')
    assert "is not running" in CliRunner().invoke(main, ["dlq", "list"]).stderr


def test_the_environment_of_a_function_is_sufficient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUREL_TABLE", "laurel-else")
    monkeypatch.setenv("LAUREL_EVENTS_QUEUE", "https://queue")
    assert Target().variables["LAUREL_TABLE"] == "laurel-else"
    shown = CliRunner().invoke(main, ["stack", "env"])
    assert "export LAUREL_EVENTS_QUEUE=https://queue\n" in shown.stdout
    own = Target(ruleset=RULESETS / "default.toml").variables
    assert own["LAUREL_RULESET"] == str(RULESETS / "default.toml")


def test_a_local_stack_is_found_by_its_state_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cloudformation: int
) -> None:
    monkeypatch.delenv("LAUREL_TABLE", raising=False)
    (tmp_path / ".stack").mkdir()
    (tmp_path / ".stack" / "state.json").write_text(json.dumps({"port": cloudformation, "pid": os.getpid()}))
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path / "deeper")
    found = Target().variables
    assert found["LAUREL_TABLE"] == "laurel-local"
    assert Target().deployed_ruleset == found["LAUREL_RULESET_ID"] == "mine-1-abc"
    assert found["LAUREL_API_URL"] == f"http://127.0.0.1:{cloudformation}/laurel"
    assert (
        found["LAUREL_DEAD_LETTER_QUEUE"] == f"http://127.0.0.1:{cloudformation}/000000000000/laurel-local-dead-letter"
    )


@pytest.fixture
def evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cloudformation: int) -> int:
    """Set the variables that `laurel stack env` printed; the state file names this stack. Return its port."""
    (tmp_path / ".stack").mkdir()
    (tmp_path / ".stack" / "state.json").write_text(json.dumps({"port": cloudformation, "pid": os.getpid()}))
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("LAUREL_", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")  # commands set it, and the test's end restores it
    for name, value in Target().variables.items():
        monkeypatch.setenv(name, value)
    return cloudformation


def test_an_evaluated_shell_prints_all_variables_again(evaluated: int) -> None:
    shown = CliRunner().invoke(main, ["stack", "env"])
    lines = dict(line.removeprefix("export ").split("=", 1) for line in shown.stdout.splitlines())
    aws = {name: value for name, value in lines.items() if name.startswith("AWS_")}
    assert aws == {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{evaluated}",
    }
    assert lines["LAUREL_API_URL"] == f"http://127.0.0.1:{evaluated}/laurel"
    assert {name for name in os.environ if name.startswith("LAUREL_")} <= set(lines)
    assert shown.stderr == ""


@pytest.mark.parametrize("answer", [None, b"<html>", b"[]"], ids=["closed", "another-program", "other-json"])
def test_a_stale_environment_follows_the_state_file(
    evaluated: int, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    with _serving(answer or b"") as port:
        other = port if answer else 1
        for name, value in dict(os.environ).items():
            if name.startswith(("LAUREL_", "AWS_ENDPOINT")):
                monkeypatch.setenv(name, value.replace(f":{evaluated}", f":{other}"))
        assert Target().variables["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{evaluated}"
        assert Target().moved
        shown = CliRunner().invoke(main, ["stack", "env"])
        assert f"export AWS_ENDPOINT_URL=http://127.0.0.1:{evaluated}\n" in shown.stdout
        assert f":{other}/" not in shown.stdout
        assert 'eval "$(laurel stack env)"' in CliRunner().invoke(main, ["dlq", "list"]).stderr


def test_a_stale_environment_without_a_stack_names_the_remedy(
    evaluated: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(target, "_state_files", lambda: [tmp_path / "none.json"])
    assert "start it with: make run" in CliRunner().invoke(main, ["stack", "env"]).stderr


def test_fish_gets_its_own_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUREL_TABLE", "it's a \\ table")
    shown = CliRunner().invoke(main, ["stack", "env", "--fish"])
    assert "set -gx LAUREL_TABLE 'it\\'s a \\\\ table'\n" in shown.stdout


def test_a_profile_in_the_shell_is_warned_of(evaluated: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert "unset AWS_PROFILE" in CliRunner().invoke(main, ["stack", "env"]).stderr


def test_a_deployment_is_looked_up_in_aws_region(monkeypatch: pytest.MonkeyPatch, cloudformation: int) -> None:
    for name in [name for name in os.environ if name.startswith(("LAUREL_", "AWS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{cloudformation}")
    assert Target(stage="prod").variables["LAUREL_TABLE"] == "laurel-local"


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, cloudformation: int) -> None:
    """Remove all settings of AWS; requests go to an endpoint of this machine."""
    for name in [name for name in os.environ if name.startswith(("LAUREL_", "AWS_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")  # commands set it, and the test's end restores it
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{cloudformation}")


@pytest.mark.usefixtures("nothing_set")
def test_a_missing_region_and_missing_credentials_are_reported_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoTarget, match=r"^No AWS region is chosen; set AWS_REGION\.$"):
        Target("prod").variables  # noqa: B018
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with pytest.raises(NoTarget, match=r"^No AWS credentials were found; set AWS_PROFILE, or run: aws configure$"):
        Target("prod").variables  # noqa: B018


def test_a_stage_that_does_not_exist_is_named_with_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    client = get_session().create_client(
        "cloudformation", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(target, "get_session", lambda: SimpleNamespace(create_client=lambda *_, **__: client))
    with Stubber(client) as script:
        script.add_client_error("describe_stacks", "ValidationError", "Stack with id laurel-prd does not exist")
        with pytest.raises(NoTarget, match=r"^There is no stack 'laurel-prd' at https://\S+\.$"):
            Target("prd").variables  # noqa: B018


def test_the_template_has_every_output_that_the_command_reads() -> None:
    named = set(outputs(Build("dev", "aws"), "2026.1-0"))
    assert {"TableName", "BusName", "ApiUrl", target.RULESET_OUTPUT, *target.OUTPUTS.values()} <= named
    assert set(target.OUTPUTS) == {queue.key for queue in QUEUES}
    with pytest.raises(NoTarget, match="has no output"):
        target._from_outputs("dev", {"TableName": "t"}, None)


@pytest.fixture
def cloudformation() -> Iterator[int]:
    """Run an endpoint that describes the local stack with URLs at another port. Yield its own port."""
    urls = {key: f"http://127.0.0.1:1/000000000000/laurel-local-{name}" for name, key in _outputs().items()}
    members = {"TableName": "laurel-local", "BusName": "laurel-local", "RulesetId": "mine-1-abc", **urls}
    listed = "".join(
        f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
        for key, value in members.items()
    )
    answer = (
        '<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult>'
        "<Stacks><member><StackName>laurel-local</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>"
        f"<StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{listed}</Outputs></member></Stacks>"
        "</DescribeStacksResult></DescribeStacksResponse>"
    ).encode()

    with _serving(answer, ready=b'{"status": "completed"}') as port:
        yield port


@contextlib.contextmanager
def _serving(answer: bytes, ready: bytes = b"") -> Iterator[int]:
    """Run a server that gives this answer, and to a GET `ready` if it is not empty. Yield its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._give(answer)

        def do_GET(self) -> None:
            self._give(ready or answer)

        def _give(self, content: bytes) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _outputs() -> dict[str, str]:
    return {name.replace("_", "-"): key for name, key in target.OUTPUTS.items()}
