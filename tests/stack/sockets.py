"""Lookup in /proc of the process at the other end of a connection."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
SUPPORTED = PROC.joinpath("net/tcp").exists()
ESTABLISHED = "01"


def owner(local_port: int, remote_port: int, candidates: Iterable[int]) -> int | None:
    """Return the candidate (process id) that holds the connection from `local_port` to `remote_port`."""
    inode = _inode(local_port, remote_port)
    return next((pid for pid in candidates if inode and _holds(pid, f"socket:[{inode}]")), None)


def _inode(local_port: int, remote_port: int) -> str | None:
    for line in PROC.joinpath("net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *rest = line.split()
        ports = int(local.rpartition(":")[2], 16), int(remote.rpartition(":")[2], 16)
        if ports == (local_port, remote_port) and state == ESTABLISHED:
            return rest[5]
    return None


def _holds(pid: int, link: str) -> bool:
    try:
        return any(_link(entry.path) == link for entry in os.scandir(PROC / str(pid) / "fd"))
    except OSError:
        return False


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
