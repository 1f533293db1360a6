"""run.fresh_s, run.second_s and run.disk_mb: `make run ONCE=1` in a fresh clone, with an empty home and no caches."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from infra.settings import ROOT
from tests.bench.figures import Figure, NotTaken

NAMES = ("run.fresh_s", "run.second_s", "run.disk_mb")
# Settings of the package index and of certificates; everything else of the user's environment is left out.
KEPT = ("PATH", "LANG", "TMPDIR", "PIP_", "UV_", "SSL_", "REQUESTS_", "HTTP_", "HTTPS_", "NO_PROXY", "http", "no_proxy")
TIMEOUT_S = 600


def runs() -> Iterator[Figure]:
    """Measure the first and the second run of a clone of this commit, and its size on disk between them."""
    with tempfile.TemporaryDirectory(prefix="laurel-bench-") as place:
        clone, home = Path(place, "clone"), Path(place, "home")
        home.mkdir()
        _call(["git", "clone", "--quiet", str(ROOT), str(clone)], Path(place), dict(os.environ))
        environment = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
        environment |= {"HOME": str(home), "PIP_NO_CACHE_DIR": "1", "UV_NO_CACHE": "1"}
        circumstances = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
        yield Figure("run.fresh_s", _seconds(clone, environment), "s", circumstances)
        folders = {name: clone / name for name in (".venv", ".stack", "build")}
        parts = {name: round(_disk_mb(folder)) for name, folder in folders.items()}
        yield Figure("run.disk_mb", sum(_disk_mb(folder) for folder in folders.values()), "MB", parts)
        yield Figure("run.second_s", _seconds(clone, environment), "s", circumstances)


def _seconds(clone: Path, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    _call(["make", "run", "ONCE=1"], clone, environment)
    return time.perf_counter() - began


def _call(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotTaken(f"{' '.join(command)}: {error}") from error
    if done.returncode:
        raise NotTaken(f"{' '.join(command)} failed: {done.stdout[-500:]}{done.stderr[-1000:]}")


def _disk_mb(folder: Path) -> float:
    """Return what a folder takes on disk, as `du` counts it: blocks, a file with several names once."""
    blocks: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        blocks[status.st_dev, status.st_ino] = status.st_blocks
    return sum(blocks.values()) * 512 / 1024 / 1024
