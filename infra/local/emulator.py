"""Run one MiniStack process in its own environment and process group, on loopback, with persistent state.

A directory belongs to one emulator. It holds state.json (process and port), data/ (kept from run to
run), tmp/ (the Lambda workers' copies of the zip; emptied at every start and end) and log.txt.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from infra.local import processes, saved_state
from infra.local.ports import answers, free_port
from infra.local.processes import Process
from infra.settings import LOCAL_HOST, ROOT

HOME = ROOT / ".stack"
REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
SERVICES = "apigateway,cloudformation,cloudwatch,dynamodb,events,iam,lambda,logs,s3,sqs,sts"
START_S = 30.0
STOP_S = 20.0  # saving the state of a large table takes seconds
WORKER_MARK = "ministack-lambda-"
SAVING = Path(__file__).with_name("saving.py")


class EmulatorError(RuntimeError):
    """The emulator could not be started. The message gives the reason and quotes its log."""


@dataclass(frozen=True)
class Emulator:
    """The emulator of `directory`. All state is in the directory, none in the object.

    `enforcing`: it refuses everything that the caller's IAM policies do not allow.
    """

    directory: Path
    enforcing: bool = False

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> Path:
        return self.directory / "log.txt"

    @property
    def temporary(self) -> Path:
        return self.directory / "tmp"

    @property
    def port(self) -> int:
        return int(self._state().get("port", 0))

    @property
    def endpoint_url(self) -> str:
        return f"http://{LOCAL_HOST}:{self.port}"

    def process(self) -> Process | None:
        """Return the running emulator's process, None if it is not running, even if the state file names one."""
        state = self._state()
        found = processes.find(int(state.get("pid", 0))) if state.get("pid") else None
        return found if found and processes.alive(found.pid, state["started"]) else None

    def healthy(self) -> bool:
        return self.process() is not None and answers(self.port)

    def client(self, service: str) -> Any:
        """Return a boto3 client of the emulator, independent of the user's own credentials and settings."""
        return _client(service, self.endpoint_url)

    def workers(self, function: str | None = None) -> dict[int, str]:
        """Return process id -> function name of the current Lambda workers; `function` selects one function.

        Only children of this emulator are returned, so that an immediate signal reaches no other process.
        """
        emulator = self.process()
        if emulator is None:
            return {}
        found = {}
        for process in processes.all_processes():
            if process.parent == emulator.pid and WORKER_MARK in process.command:
                # <tmp>/ministack-lambda-<function>-<random>/_worker.py
                name = process.command.split(WORKER_MARK, 1)[1].split("/", 1)[0].rpartition("-")[0]
                if function in {None, name}:
                    found[process.pid] = name
        return found

    def start(self, *, tied: bool = False) -> None:
        """Start it, unless it is running and answers. `tied`: it ends with the calling process."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._lock():
            if self.healthy():
                return
            self._clean_up()
            self._spawn(tied)

    def crashed(self) -> bool:
        """Return whether its last run ended without being stopped: then its state may be up to a minute old.

        Waits for a stop that is under way.
        """
        if not self.directory.is_dir():
            return False
        with self._lock():
            return bool(self._state().get("pid")) and self.process() is None

    def stop(self) -> None:
        """Stop it with SIGTERM, on which it saves its state. It is no error if it is not running."""
        if not self.directory.is_dir():
            return
        with self._lock():
            self._clean_up()

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.directory / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _state(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.directory / "state.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    def _remember(self, state: dict[str, Any]) -> None:
        new = self.directory / "state.new"
        new.write_text(json.dumps(state))
        new.replace(self.directory / "state.json")

    def _clean_up(self) -> None:
        """End all processes that this directory started, including orphans of a crash, and remove their copies."""
        if running := self.process():
            processes.end(running, STOP_S)
        for process in processes.all_processes():
            if f"{self.temporary}/{WORKER_MARK}" in process.command:
                processes.end(process, 0.5)
        shutil.rmtree(self.temporary, ignore_errors=True)
        if port := self._state().get("port"):
            self._remember({"port": port})

    def _spawn(self, tied: bool) -> None:
        python = HOME / "venv" / "bin" / "python"
        if not python.exists():
            raise EmulatorError("The local stack's environment is missing; run: make setup")
        before = int(self._state().get("port", 0))
        port = free_port(before)
        self.temporary.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(exist_ok=True)
        saved_state.adopt(self.data)
        if before and port != before:
            saved_state.move(self.data, before, port)
        with self.log.open("wb") as log:
            child = subprocess.Popen(
                # Without -P, Python would import from this package in place of the standard library and MiniStack.
                [str(python), "-P", str(SAVING)],
                env=self._environment(port) | ({"LAUREL_PARENT": str(os.getpid())} if tied else {}),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        me = processes.find(child.pid)
        self._remember({"port": port, "pid": child.pid, "started": me.started if me else 0.0})
        deadline = time.monotonic() + START_S
        while not answers(port):
            if child.poll() is not None or time.monotonic() > deadline:
                self._clean_up()
                raise EmulatorError(f"MiniStack did not start; the end of its log:\n{self._log_end()}")
            time.sleep(0.05)

    def _environment(self, port: int) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "LAUREL_SAVE_EVERY_S") if key in os.environ}
        return kept | {
            "HOME": str(self.directory),
            "TMPDIR": str(self.temporary),
            "BIND_HOST": LOCAL_HOST,
            "MINISTACK_HOST": LOCAL_HOST,
            "GATEWAY_PORT": str(port),
            "SERVICES": SERVICES,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.data),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.data / "s3"),
            "MINISTACK_REGION": REGION,
            "LOG_LEVEL": "WARNING",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AUTH": str(self.enforcing).lower(),
        }

    def _log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


@functools.cache
def _session() -> Any:
    return boto3.Session(region_name=REGION, **CREDENTIALS)


@functools.lru_cache(maxsize=64)
def _client(service: str, endpoint_url: str) -> Any:
    settings = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=120)
    return _session().client(service, endpoint_url=endpoint_url, config=settings)
