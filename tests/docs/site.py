"""A Laurel on the simulated AWS behind a real HTTP port, and a shell that has `laurel` and `make` of its own.

A page's shell blocks run in bash with the real curl. `laurel` runs the command in this process; `date` prints the time
of the simulated world; `make` checks that its targets exist and runs nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from chalice.local import RouteMatcher

import app
from chalicelib.domain.core.periods import moment_name
from tests.api.http import request
from tests.cli.conftest import Deployment
from tests.docs.pages import ROOT

STAGE = "/laurel"
COMMANDS = {
    "laurel": 'printf "%s\\0" "$@" | curl -s --data-binary @- "$SITE/-/laurel"\n'
    'cat "$SITE_FILES/out"; cat "$SITE_FILES/err" >&2; exit "$(cat "$SITE_FILES/status")"\n',
    "date": 'curl -s "$SITE/-/date"\n',
    "make": 'for word in "$@"; do case "$word" in *=*) ;; *) grep -q "^$word:" "$SITE_ROOT/Makefile" || exit 2;; esac\n'
    "done\n",
}
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


@dataclass
class Site:
    """`folder`: the working directory of commands, where the package is as in a checkout.

    `statuses`: of the requests answered since they were last read.
    """

    laurel: Deployment
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = HTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.timeout = 0.005
        origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.url = origin + STAGE
        self.files = Path(tempfile.mkdtemp(dir=self.folder.parent))
        for name, script in COMMANDS.items():
            file = self.files / name
            file.write_text(f"#!/bin/sh\n{script}")
            file.chmod(0o755)
        self.variables |= {
            "PATH": f"{self.files}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "SITE": origin,
            "SITE_FILES": str(self.files),
            "SITE_ROOT": str(ROOT),
            "no_proxy": "127.0.0.1",
        }
        (self.folder / "chalicelib").symlink_to(ROOT / "chalicelib")
        self.laurel.target.variables["LAUREL_API_URL"] = self.url

    def shell(self, text: str) -> Ran:
        """Run `text` in bash; the next call has its exported variables."""
        kept = self.files / "variables"
        script = f"set -o pipefail\n{text}\nstatus=$?; wait; env -0 > '{kept}'; exit $status\n"
        ran = self.run(["bash", "-c", script])
        if kept.exists():
            pairs = (line.partition("=") for line in kept.read_text().split("\0") if line)
            self.variables |= {name: value for name, _, value in pairs if name not in {"_", "PWD", "SHLVL", "OLDPWD"}}
        return ran

    def run(self, command: list[str]) -> Ran:
        """Run a program while the API answers, then let the workers come to rest."""
        with (self.files / "stdout").open("w+") as out, (self.files / "stderr").open("w+") as err:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.variables, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
            waited = 0.0
            while process.poll() is None:
                self.server.handle_request()
                waited += self.server.timeout or 0
                if waited > TIMEOUT_S:
                    process.kill()
                    raise AssertionError(f"{command} did not end")
            out.seek(0)
            err.seek(0)
            ran = Ran(process.returncode, out.read(), err.read())
        self.laurel.run()
        return ran

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Answer one request to the API, to `laurel` or to `date`."""
        if path == "/-/date":
            return 200, {}, re.sub(r"\.\d+", "", moment_name(self.laurel.world.now_ms())).encode()
        if path == "/-/laurel":
            self._laurel(body.decode().split("\0")[:-1])
            return 200, {}, b""
        self.laurel.world.sleep(1)
        path = path.removeprefix(STAGE)
        try:
            RouteMatcher(list(app.app.routes)).match_route(path)
        except ValueError:
            return 403, {}, b'{"message": "Missing Authentication Token"}'
        answer = request(method, path, body=body.decode() if body else None, headers=headers)
        self.statuses.append(answer.status)
        self.laurel.run()
        return answer.status, answer.headers, answer.text.encode()

    def _laurel(self, words: list[str]) -> None:
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            result = self.laurel.invoke(*words)
        finally:
            os.chdir(before)
        for name, text in (("out", result.stdout), ("err", result.stderr), ("status", str(result.exit_code))):
            (self.files / name).write_text(text)
        self.laurel.run()

    def close(self) -> None:
        self.server.server_close()
        self.laurel.world.close()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            names = ("X-API-Key", "Content-Type", "If-None-Match", "Last-Event-ID")
            headers = {name: self.headers[name] for name in names if self.headers.get(name)}
            headers |= {name: value for name, value in self.headers.items() if name.startswith("ce-")}
            status, answered, content = site.answer(self.command, self.path, headers, body)
            self.send_response(status)
            for name, value in answered.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
