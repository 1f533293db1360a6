"""import.api_ms, import.worker_ms and package.zip_mb: the deployed zip, and the imports of a cold start."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

from infra.package import package
from infra.settings import BUILD, FUNCTIONS, QUEUES, Build, SettingError
from tests.bench.figures import Figure, NotTaken

RUNS = 9
TIMEOUT_S = 30
# Like Lambda: the module, then its handler. The first event makes the context (clients, ruleset).
SCRIPT = """
import sys, time
sys.path.insert(0, sys.argv[1])
module, _, name = sys.argv[2].rpartition(".")
began, cpu = time.perf_counter(), time.process_time()
handler = getattr(__import__(module, fromlist=[name]), name)
imported, spent = time.perf_counter() - began, time.process_time() - cpu
assert callable(handler)
from chalicelib.wiring import context
began = time.perf_counter()
context()
print(imported * 1000, spent * 1000, (time.perf_counter() - began) * 1000)
"""


def imports(runs: int = RUNS) -> Iterator[Figure]:
    """Measure the wall time until the handler, in fresh processes with the standard library and the zip only."""
    try:
        built = package(Build("local", "local"))
    except SettingError as error:
        raise NotTaken(f"the zip cannot be built: {error}") from error
    with tempfile.TemporaryDirectory(prefix="laurel-bench-") as place:
        with ZipFile(built.zip) as archive:
            archive.extractall(place)
        handlers = [function.handler for function in FUNCTIONS]
        # In rounds, so that a disturbance affects all of them; the first one only fills the page cache.
        rounds = [[_import_ms(Path(place), handler) for handler in handlers] for _ in range(runs + 1)][1:]
    for handler, *taken in zip(handlers, *rounds, strict=True):
        wall, cpu, context = (statistics.median(values) for values in zip(*taken, strict=True))
        yield Figure(
            "import.api_ms" if handler == "chalicelib.api.app.app" else "import.worker_ms",
            wall,
            "ms",
            # Wall time far above CPU means that the machine was busy.
            {"handler": handler, "runs": runs, "cpu_ms": round(cpu, 1), "first_context_ms": round(context, 1)},
        )


def _import_ms(place: Path, handler: str) -> tuple[float, ...]:
    """Return ms to import the handler by the clock and by CPU, and the further ms of its first event."""
    environment = {
        f"LAUREL_{queue.key.upper()}_QUEUE": f"https://sqs.us-east-1.amazonaws.com/1/{queue.name}" for queue in QUEUES
    }
    environment |= {"LAUREL_STAGE": "bench", "LAUREL_TABLE": "bench", "LAUREL_BUS": "bench", "LAUREL_TRACING": "0"}
    environment |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    command = [sys.executable, "-I", "-S", "-c", SCRIPT, str(place), handler]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, cwd="/", timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise NotTaken(f"{handler} was not imported within {TIMEOUT_S} s") from None
    if done.returncode:
        raise NotTaken(f"{handler} cannot be imported from the zip:\n{done.stderr[-2000:]}")
    return tuple(float(value) for value in done.stdout.split()[-3:])


def zip_size() -> Iterator[Figure]:
    """Measure the zip for AWS; the tests read the same one."""
    try:
        built = package(Build("test", "aws"), BUILD / "test-aws")
    except SettingError as error:
        raise NotTaken(f"the zip for AWS cannot be built: {error}") from error
    template = json.loads(built.template.read_text())["Resources"]["Progress"]["Properties"]
    with ZipFile(built.zip) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    yield Figure(
        "package.zip_mb",
        built.zip.stat().st_size / 1e6,
        "MB",
        {
            "architecture": template["Architectures"][0],
            "runtime": template["Runtime"],
            "unpacked_mb": round(unpacked / 1e6, 1),
        },
    )
