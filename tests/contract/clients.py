"""Clients: generated from the document of a running stack into a scratch folder, and driven line by line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.settings import ROOT

SOURCES = ROOT / "clients"
TOOLS = {"node": "Node 20 or newer", "npm": "npm", "go": "Go 1.26 or newer"}
# Types of answers and requests for `tsc`: each value that a call sent or received, as a literal of its type.
LITERALS = "values.ts"


class ContractError(Exception):
    """A client could not be generated or built, or a tool is missing."""


@dataclass(frozen=True)
class Client:
    """A generated client. `command`: a program that reads calls and writes answers, one a line."""

    name: str
    command: Sequence[str]


def check_tools() -> None:
    """Raise ContractError naming the programs that are missing."""
    missing = [text for name, text in TOOLS.items() if shutil.which(name) is None]
    if missing:
        raise ContractError(f"make contract needs {', '.join(missing)} on the PATH.")


def generate(document: Path, scratch: Path, url: str) -> Iterator[Client]:
    """Generate and build the three clients, each when it is needed."""
    for make in (_typescript, _python, _go):
        yield make(document, scratch, url)


def check_types(scratch: Path, sent: Sequence[tuple[str, str]]) -> None:
    """Compile (type, JSON) pairs as literals under `tsc --strict`. Raises ContractError with its messages."""
    folder = scratch / "typescript"
    lines = ['import type { operations } from "./schema.js";']
    lines += [f"export const value{number}: {kind} = {text};" for number, (kind, text) in enumerate(sent)]
    (folder / LITERALS).write_text("\n".join(lines) + "\n", "utf-8")
    run(["npx", "--no-install", "tsc", "--noEmit"], folder)


def _typescript(document: Path, scratch: Path, url: str) -> Client:
    folder = _copied("typescript", scratch)
    run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)
    # A default of a request does not make its member required.
    options = ["--default-non-nullable=false"]
    run(["npx", "--no-install", "openapi-typescript", str(document), *options, "-o", "schema.d.ts"], folder)
    run(["npx", "--no-install", "tsc"], folder)
    return Client("TypeScript", ["node", str(folder / "built" / "calls.js"), url])


def _python(document: Path, scratch: Path, url: str) -> Client:
    folder = _copied("python", scratch)
    venv = scratch / "venv"
    uv = ROOT / ".venv" / "bin" / "uv"
    python = venv / "bin" / "python"
    run([str(uv), "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)], folder)
    locked = str(ROOT / "requirements" / "contract.txt")
    run([str(uv), "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), locked], folder)
    (folder / "config.yml").write_text("project_name_override: laurel-client\npost_hooks: []\n")
    command = [str(venv / "bin" / "openapi-python-client"), "generate", "--path", str(document)]
    warned = run([*command, "--config", "config.yml", "--meta", "none", "--output-path", "laurel_client"], folder)
    if "WARNING" in warned or "omitted" in warned:
        raise ContractError(f"openapi-python-client left something out:\n{warned}")
    return Client("Python", [str(python), str(folder / "calls.py"), url])


def _go(document: Path, scratch: Path, url: str) -> Client:
    folder = _copied("go", scratch)
    (folder / "client").mkdir()
    generated = ["-generate", "types,client", "-package", "client", "-o", "client/client.go", str(document)]
    run(["go", "tool", "oapi-codegen", *generated], folder)
    run(["go", "build", "-mod=readonly", "-o", "calls", "."], folder)
    return Client("Go", [str(folder / "calls"), url])


def _copied(name: str, scratch: Path) -> Path:
    folder = scratch / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCES / name, folder, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    return folder


def run(command: Sequence[str], folder: Path) -> str:
    """Run a program and return its output. Raises ContractError with the output if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=900,
    )
    if done.returncode:
        raise ContractError(f"{' '.join(command)}\n{done.stdout}")
    return done.stdout


class Running:
    """The program of a client while it runs."""

    def __init__(self, client: Client) -> None:
        self._process = subprocess.Popen(
            client.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
        )

    def call(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Send a call, and return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(sent) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise ContractError(f"The client has ended with status {self._process.wait()}.")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End the program."""
        self._process.communicate()
