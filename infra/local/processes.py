"""Find and end processes of this machine with psutil (Linux, macOS and Windows)."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

# A start time is derived from the wall clock at boot, which time synchronization may move a little.
START_TOLERANCE_S = 2.0
POLL_S = 0.02


@dataclass(frozen=True)
class Process:
    """A living process. `started`: seconds since the epoch. `command`: its command line."""

    pid: int
    parent: int
    started: float
    command: str


def find(pid: int) -> Process | None:
    """Return the living process `pid`, or None. A zombie is not alive."""
    try:
        return _described(psutil.Process(pid))
    except (psutil.Error, ValueError):
        return None


def all_processes() -> list[Process]:
    """Return all living processes that this user may inspect."""
    return [process for pid in psutil.pids() if (process := find(pid))]


def alive(pid: int, started: float) -> bool:
    """Return whether the process with this id and start time is alive."""
    found = find(pid)
    return found is not None and abs(found.started - started) < START_TOLERANCE_S


def end(process: Process, patience_s: float) -> bool:
    """Ask a process to end, and kill it after `patience_s` seconds. Return whether it ended without being killed."""
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        if not alive(process.pid, process.started):
            return True
        with suppress(psutil.NoSuchProcess):
            running = psutil.Process(process.pid)
            ask(running)
            if _ends(running, process.started, patience_s):
                return ask is psutil.Process.terminate
    return False


def _ends(running: psutil.Process, started: float, patience_s: float) -> bool:
    """Wait for a process; return whether it has ended.

    A zombie that its own parent does not reap has ended too, although psutil's wait continues.
    """
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        with suppress(psutil.TimeoutExpired):
            running.wait(POLL_S)
            return True
        if not alive(running.pid, started):
            return True
    return False


def _described(process: psutil.Process) -> Process | None:
    with process.oneshot():
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        return Process(process.pid, process.ppid(), process.create_time(), " ".join(process.cmdline()))
