"""Run Amazon's DynamoDB Local, the optional reference for the simulated table.

    python -m infra.local.dynamodb_local        # fetches it once (Maven, Java 17), serves until Ctrl-C

It needs `java` and `mvn`; nothing else of Laurel needs it.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from infra.local.ports import free_port
from infra.settings import LOCAL_HOST

VERSION = "2.6.1"
JAVA_VERSION = 17
STARTS_WITHIN_S = 60
DIRECTORY = Path(".stack/dynamodb-local")
LAUNCHER = Path(__file__).with_name("LoopbackServer.java")
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>laurel</groupId><artifactId>dynamodb-local</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>com.amazonaws</groupId><artifactId>DynamoDBLocal</artifactId><version>{VERSION}</version>
  </dependency></dependencies>
</project>
"""


class Unavailable(Exception):
    """DynamoDB Local cannot run here. The message says what is missing."""


def fetch(directory: Path = DIRECTORY) -> Path:
    """Return the folder with its libraries. The first call fetches them with Maven."""
    libraries = directory / VERSION
    if libraries.is_dir():
        return libraries
    _require_java()
    if shutil.which("mvn") is None:
        raise Unavailable("Fetching DynamoDB Local needs Maven: install mvn, or run without the engine.")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "pom.xml").write_text(_POM)
    incomplete = directory / f"{VERSION}.part"
    command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={incomplete.absolute()}"]
    done = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"Maven could not fetch DynamoDB Local {VERSION}:\n{done.stdout[-2000:]}{done.stderr[-500:]}")
    incomplete.rename(libraries)
    return libraries


def _require_java() -> None:
    if shutil.which("java") is None:
        raise Unavailable(f"DynamoDB Local needs Java {JAVA_VERSION} or later: java was not found.")
    printed = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', printed)
    if version is None or int(version[1]) < JAVA_VERSION:
        raise Unavailable(f"DynamoDB Local needs Java {JAVA_VERSION} or later; this is {printed.splitlines()[:1]}.")


@contextlib.contextmanager
def running(directory: Path = DIRECTORY, port: int = 0) -> Iterator[str]:
    """Run an empty engine on the loopback interface; yield its URL, stop it afterwards."""
    libraries = fetch(directory).absolute()
    _require_java()
    chosen = free_port(port)
    command = [
        "java", "-XX:TieredStopAtLevel=1",
        f"-Djava.library.path={libraries}", f"-Dsqlite4java.library.path={libraries}",
        "-cp", f"{libraries}/*", str(LAUNCHER), "-inMemory", "-disableTelemetry", "-port", str(chosen),
    ]  # fmt: skip
    log = directory / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        endpoint = f"http://{LOCAL_HOST}:{chosen}"
        _wait(process, endpoint, log)
        yield endpoint
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(endpoint, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return  # it answers, even if only to require a signed request
        except OSError:
            time.sleep(0.1)
    raise Unavailable(f"DynamoDB Local did not start; its log ends:\n{log.read_text(errors='replace')[-2000:]}")


def main() -> int:
    try:
        with running() as endpoint:
            print(f"DynamoDB Local {VERSION} at {endpoint} (Ctrl-C ends it)", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    except Unavailable as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
