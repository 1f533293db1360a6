"""Look up the locked packages among the known vulnerabilities: what `make audit` runs. Needs the network.

A known vulnerability fails. If the service cannot be reached, or does not know a package, that is printed as a warning
and does not fail: behind a mirror of PyPI that serves packages only, nothing can be audited.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.settings import ROOT

LOCKED = sorted(path.stem for path in (ROOT / "requirements").glob("*.txt"))
TIMEOUT_S = 300


@dataclass
class Audit:
    """`vulnerable`: a line for each known vulnerability; `unknown`: packages that the service does not know."""

    audited: set[str] = field(default_factory=set)
    vulnerable: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def add(self, dependencies: Sequence[dict[str, Any]]) -> None:
        """Take in the dependencies of a report of pip-audit."""
        for each in dependencies:
            if "skip_reason" in each:
                self.unknown.add(each["name"])
                continue
            self.audited.add(each["name"])
            for found in each["vulns"]:
                fixed = ", ".join(found["fix_versions"]) or "no version"
                self.vulnerable.add(f"{each['name']} {each['version']}: {found['id']}, fixed in {fixed}")


def main() -> int:
    audit, failures = Audit(), list[str]()
    for name in LOCKED:
        try:
            audit.add(report(f"requirements/{name}.txt"))
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            failures.append(f"requirements/{name}.txt was not audited: {error}")
    for line in lines(audit, failures):
        print(line, file=sys.stderr)
    return 1 if audit.vulnerable else 0


def report(requirements: str) -> Any:
    """Return what pip-audit says of each package of a locked file. Raises ValueError if it said nothing."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", requirements, "--require-hashes", "--disable-pip"]
    ran = subprocess.run(
        [*command, "--format=json", "--progress-spinner=off"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=TIMEOUT_S,
    )
    if not ran.stdout.strip():
        raise ValueError(ran.stderr.strip().rpartition("\n")[2] or f"pip-audit ended with {ran.returncode}")
    return json.loads(ran.stdout)["dependencies"]


def lines(audit: Audit, failures: Sequence[str]) -> Iterator[str]:
    """Say what was found, and what was not looked up."""
    yield from (f"vulnerable: {each}" for each in sorted(audit.vulnerable))
    yield from (f"warning: {each}" for each in failures)
    if audit.unknown and not audit.audited:
        yield f"warning: NOTHING WAS AUDITED: the service knows none of {len(audit.unknown)} packages."
    elif audit.unknown:
        yield f"warning: not audited, since unknown to the service: {', '.join(sorted(audit.unknown))}."
    yield f"audit: {len(audit.audited)} packages audited, {len(audit.vulnerable)} known vulnerabilities."


if __name__ == "__main__":
    sys.exit(main())
