"""What runs on this machine: looked up in /proc where there is one, by `ps` elsewhere.

A process id alone proves nothing, since the system reuses it: a process is told by its id and start time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    started: str
    command: str


def find(pid: int) -> Process | None:
    """The living process `pid`, or None. A zombie is not alive."""
    if PROC.joinpath("self/stat").exists():
        return _from_proc(pid)
    return next(iter(_from_ps("-p", str(pid))), None)


def all_processes() -> list[Process]:
    if PROC.joinpath("self/stat").exists():
        pids = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
        return [process for pid in pids if (process := _from_proc(pid))]
    return list(_from_ps("-ax"))


def _from_proc(pid: int) -> Process | None:
    try:
        stat = PROC.joinpath(str(pid), "stat").read_text()
        command = PROC.joinpath(str(pid), "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold spaces and parentheses of its own.
    state, parent, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else Process(pid, int(parent), rest[17], command.strip())


def _from_ps(*selection: str) -> Iterator[Process]:
    command = ["ps", *selection, "-o", "pid=,ppid=,stat=,lstart=,command="]
    listed = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"}
    ).stdout
    for line in listed.splitlines():
        pid, parent, state, *rest = line.split(None, 8)
        if not state.startswith("Z") and len(rest) == 6:
            yield Process(int(pid), int(parent), " ".join(rest[:5]), rest[5])


def alive(pid: int, started: str) -> bool:
    found = find(pid)
    return found is not None and found.started == started


def end(process: Process, patience_s: float) -> bool:
    """Ask `process` to end; after `patience_s` seconds, make it. True when it ended by itself."""
    if not _send(process, signal.SIGTERM):
        return True
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        _reap(process.pid)
        if not alive(process.pid, process.started):
            return True
        time.sleep(0.02)
    _send(process, signal.SIGKILL)
    _reap(process.pid)
    return False


def _send(process: Process, number: signal.Signals) -> bool:
    if not alive(process.pid, process.started):
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # somebody else's child
