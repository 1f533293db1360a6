"""Run MiniStack with a save of all its services every half minute, so that a crash loses at most a minute.

MiniStack itself saves only when it is stopped. A forked process writes the save: its memory is a copy of all services
at one moment, and the emulator continues. This script runs in the emulator's own environment, with the standard library
and MiniStack only: `python -P saving.py`. `LAUREL_PARENT`: the process with which it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ministack.app as emulator
from ministack.core import persistence

EVERY_S = float(os.environ.get("LAUREL_SAVE_EVERY_S", "30"))
WRITE_S = 60  # a forked process that takes longer is stuck: at a lock that another thread held
POLL_S = 0.5
SAVED, NEXT, PRIOR = "saved", "next", "prior"
# The locks of the services that Laurel's data is in: no thread is in the middle of a change while they are held.
LOCKS = (("dynamodb", "_lock"), ("sqs", "_queues_lock"), ("cloudwatch_logs", "_log_events_lock"))

_writer = 0  # process id of the forked process, 0 without one


def main() -> None:
    ready = emulator._run_ready_scripts

    async def begin() -> None:
        _release_messages()
        emulator.background_saves = asyncio.create_task(_save_regularly())  # a task without a reference may vanish
        await ready()

    emulator._run_ready_scripts = begin
    emulator.save_all = _save_at_the_end
    emulator.main()


def _service(name: str) -> Any:
    return sys.modules.get(f"ministack.services.{name}")


def _release_messages() -> None:
    """Make messages visible that were in flight when the emulator ended: their consumers have ended too."""
    if sqs := _service("sqs"):
        for _, queue in sqs._queues.all_items():
            for message in queue["messages"]:
                if message.get("receive_count"):
                    message["visible_at"] = min(message["visible_at"], time.time())


async def _save_regularly() -> None:
    parent = int(os.environ.get("LAUREL_PARENT", "0"))
    due = time.monotonic() + EVERY_S
    while True:
        await asyncio.sleep(POLL_S)
        if parent and os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        try:
            if not _writing() and time.monotonic() >= due and not _deploying() and _start():
                due = time.monotonic() + EVERY_S
        except Exception:  # noqa: BLE001 - such as a fork without memory; without this task nothing is saved any more
            traceback.print_exc()
            due = time.monotonic() + EVERY_S


def _writing() -> bool:
    """Return whether a forked process is writing."""
    global _writer
    if _writer and os.waitpid(_writer, os.WNOHANG)[0]:
        _writer = 0
    return bool(_writer)


def _deploying() -> bool:
    """Return whether a stack is being deployed: restored like this, it could never be updated."""
    stacks = _service("cloudformation")
    return bool(stacks) and any("IN_PROGRESS" in stack["StackStatus"] for _, stack in stacks._stacks.all_items())


def _start() -> bool:
    """Fork a process that writes the present state; return whether that was possible now.

    It runs on the event loop, as all requests to the table and the queues do.
    """
    global _writer
    with _locked() as locked:
        if not locked:
            return False
        _writer = os.fork()
    if _writer == 0:
        _write_and_exit()
    return True


@contextlib.contextmanager
def _locked() -> Iterator[bool]:
    locks = [getattr(module, name) for service, name in LOCKS if (module := _service(service))]
    held = [lock for lock in locks if lock.acquire(timeout=0.1)]
    try:
        yield len(held) == len(locks)
    finally:
        for lock in held:
            lock.release()


def _write_and_exit() -> None:
    """Write in the forked process. It keeps no socket of the emulator: the port must be free after a crash."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.alarm(WRITE_S)
        os.closerange(3, 65_536)
        _write(emulator._build_persistence_save_dict())
        status = 0
    except BaseException:  # noqa: BLE001 - nothing may return into the copy of the event loop
        traceback.print_exc()
    finally:
        os._exit(status)


def _save_at_the_end(services: dict[str, Any]) -> None:
    if _writing():
        os.kill(_writer, signal.SIGKILL)
        os.waitpid(_writer, 0)
    try:
        _write(services)
    except OSError:
        traceback.print_exc()


def _write(services: dict[str, Any]) -> None:
    """Write the state of all services into one folder, then put it in the place of the last one.

    Raises OSError and keeps the last one if a service is not written, as on a full disk: MiniStack only logs that.
    """
    data = Path(os.environ["STATE_DIR"])
    made = data / NEXT
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    persistence.STATE_DIR = str(made)
    expected: set[str] = set()
    persistence.save_all({name: _noted(name, get_state, expected) for name, get_state in services.items()})
    if missing := expected - {path.stem for path in made.glob("*.json")}:
        raise OSError(f"not saved: {', '.join(sorted(missing))}")
    for path in made.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    shutil.rmtree(data / PRIOR, ignore_errors=True)
    if (data / SAVED).is_dir():
        (data / SAVED).rename(data / PRIOR)
    made.rename(data / SAVED)
    shutil.rmtree(data / PRIOR, ignore_errors=True)


def _noted(name: str, get_state: Callable[[], Any], expected: set[str]) -> Callable[[], Any]:
    """Return `get_state`, which notes that a file is expected, unless the service has no state."""

    def noted() -> Any:
        expected.add(name)
        state = get_state()
        if state is None:
            expected.remove(name)
        return state

    return noted


if __name__ == "__main__":
    main()
