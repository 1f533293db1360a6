"""Tests of the saved state of the local stack, and of the signals that end it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.run import _end_on_signals, _undisturbed
from infra.local.saved_state import NEXT, PRIOR, SAVED, adopt, move


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.json").write_text(text)


def state(data: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in data.glob("*.json")}


@pytest.mark.parametrize("name", [SAVED, PRIOR])
def test_the_last_complete_save_replaces_the_state(tmp_path: Path, name: str) -> None:
    write(tmp_path, sqs="1", dynamodb="1", left="1")
    write(tmp_path / name, sqs="2", dynamodb="2")
    write(tmp_path / NEXT, sqs="3")  # not complete
    adopt(tmp_path)
    assert state(tmp_path) == {"sqs": "2", "dynamodb": "2"}
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    adopt(tmp_path)
    assert state(tmp_path) == {"sqs": "2", "dynamodb": "2"}


def test_the_newer_of_two_saves_counts(tmp_path: Path) -> None:
    write(tmp_path / PRIOR, sqs="1")
    write(tmp_path / SAVED, sqs="2")
    adopt(tmp_path)
    assert state(tmp_path) == {"sqs": "2"}


def test_other_folders_stay(tmp_path: Path) -> None:
    write(tmp_path / "s3", object="1")
    write(tmp_path / SAVED, sqs="2")
    adopt(tmp_path)
    assert state(tmp_path / "s3") == {"object": "1"}


def test_a_moved_port_is_replaced_in_urls_only(tmp_path: Path) -> None:
    write(tmp_path, sqs='"http://127.0.0.1:21000/q 21000"')
    move(tmp_path, 21000, 22000)
    assert state(tmp_path) == {"sqs": '"http://127.0.0.1:22000/q 21000"'}


@pytest.fixture
def handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_ends_make_run_once(number: signal.Signals) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the background of a script
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also where the tests run under nohup
    _end_on_signals()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    with _undisturbed():
        os.kill(os.getpid(), number)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)


@pytest.mark.usefixtures("handlers")
def test_nohup_outlives_the_terminal() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _end_on_signals()
    os.kill(os.getpid(), signal.SIGHUP)
