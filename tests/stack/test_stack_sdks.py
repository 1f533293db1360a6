"""A shell that evaluated `laurel stack env` sends events with the AWS SDKs, without any other setting."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.stack import Stack
from tests.stack.altered import until
from tests.stack.conftest import Http

SOURCES = Path(__file__).parent / "sdks"
LAUREL = str(Path(sys.executable).with_name("laurel"))
EVALUATE = {
    "bash": 'eval "$("$LAUREL" stack env)"',
    "zsh": 'eval "$("$LAUREL" stack env)"',
    "dash": 'eval "$("$LAUREL" stack env)"',
    "fish": '"$LAUREL" stack env --fish | source',
}
BOTO3 = (
    "import boto3, json, os; boto3.client('sqs').send_message(QueueUrl=os.environ['LAUREL_EVENTS_QUEUE'], "
    "MessageBody=json.dumps({'type': 'request.completed', 'apiKeyId': os.environ['PLAYER'], 'id': 'python-1'}))"
)
# SDK -> tools, command to prepare, command to send.
SDKS: dict[str, tuple[list[str], list[str], str]] = {
    "javascript": (["node", "npm"], ["npm", "ci", "--no-audit", "--no-fund"], 'node send.mjs "$PLAYER"'),
    "go": (["go"], ["go", "build", "-o", "send", "."], './send "$PLAYER"'),
    "java": (
        ["java", "mvn"],
        ["mvn", "-q", "-B", "compile", "dependency:build-classpath", "-Dmdep.outputFile=classpath"],
        'java -cp "target/classes:$(cat classpath)" Send "$PLAYER"',
    ),
}

pytestmark = pytest.mark.proof


@pytest.fixture
def shell(stack: Stack, tmp_path: Path) -> Callable[[str, str, str], None]:
    """Return a function that runs a command in a clean shell that evaluated the variables of the running stack."""
    (tmp_path / ".stack").mkdir()
    shutil.copy(stack.emulator.directory / "state.json", tmp_path / ".stack")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}

    def run(name: str, player: str, command: str) -> None:
        _need(name)
        environment = kept | {"LAUREL": LAUREL, "PLAYER": player, "PYTHON": sys.executable}
        script = f"{EVALUATE[name]}\n{command}"
        done = subprocess.run(
            [name, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("name", EVALUATE)
def test_boto3_sends_from_each_shell(
    name: str, shell: Callable[[str, str, str], None], http: Http, key: Callable[..., str]
) -> None:
    shell(name, f"python-{name}", f'"$PYTHON" -c "{BOTO3}"')
    _applied(http, key("reader", "admin"), f"python-{name}")


@pytest.mark.parametrize("sdk", SDKS)
def test_each_sdk_sends(
    sdk: str, shell: Callable[[str, str, str], None], http: Http, key: Callable[..., str], tmp_path: Path
) -> None:
    tools, prepare, send = SDKS[sdk]
    for tool in tools:
        _need(tool)
    shutil.copytree(SOURCES / sdk, tmp_path, dirs_exist_ok=True)
    made = subprocess.run(prepare, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert made.returncode == 0, made.stdout + made.stderr
    shell("bash", f"sdk-{sdk}", send)
    _applied(http, key("reader", "admin"), f"sdk-{sdk}")


def _need(tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")


def _applied(http: Http, key: str, player: str) -> None:
    """Wait until the player's one event is applied."""
    path = f"/api/gamification/players/{player}"
    found = until(lambda: (answer := http.ask(path, key)).status == 200 and answer.json, 60.0, f"{player} exists")
    assert found["stats"]["requests"] == 1
