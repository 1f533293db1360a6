"""Install the locked dependencies of the zip and of its layers, prune and compile them, and cache the results."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from infra.settings import BUILD, ROOT, Build, SettingError

LOCKS = ROOT / "requirements"
RUNTIME_PATH = "/var/task"  # where Lambda unpacks the zip: the path that tracebacks show
LAYER_PATH = "/opt"  # where Lambda unpacks layers
LAMBDA_MINORS = (11, 12, 13, 14)
LAST_NOT_DEPLOYED = (3, 11)

# The AWS service models that the zip needs. botocore ships 400 of them, 28 MB; these are 0.2 MB. Clients sign with the
# credentials that Lambda puts in the environment, so no sts, sso or ec2 metadata model is ever read.
SERVICE_MODELS = {"dynamodb", "sqs", "events"}
# The parts of Powertools in use: logger, metrics, tracer and their imports. Its router and other utilities are half of
# all files in the zip, and every local cold start unpacks them. Add a utility here before using it.
POWERTOOLS = "aws_lambda_powertools"
POWERTOOLS_UTILITIES = {"__init__.py", "jmespath_utils", "serialization.py", "typing"}
JUNK_DIRECTORIES = {"bin", "tests", "test", "__pycache__", "examples"}
JUNK_SUFFIXES = {".pyi", ".pyx", ".pxd", ".c", ".h", ".typed"}


def python_minor() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def check_runtime(build: Build) -> None:
    """Raise SettingError if Lambda has no runtime for this Python version: the .pyc files would not match."""
    if build.target == "aws" and sys.version_info[:2] not in {(3, minor) for minor in LAMBDA_MINORS}:
        known = ", ".join(f"3.{minor}" for minor in LAMBDA_MINORS)
        raise SettingError(
            f"Python {python_minor()} is not a supported AWS Lambda runtime ({known}): "
            "the zip is compiled by the Python that builds it. Build with one of those."
        )


def check_deployable() -> None:
    """Raise SettingError for a Python version that builds packages for Lambda, but none to deploy.

    Lambda runs 3.11 on Amazon Linux 2, whose support has ended: Lambda ends the creation of functions, then updates.
    """
    if sys.version_info[:2] <= LAST_NOT_DEPLOYED:
        raise SettingError(
            f"Python {python_minor()} builds no deployment, because its AWS Lambda runtime is at its end; "
            f"choose a newer version: make PYTHON=python3.{LAST_NOT_DEPLOYED[1] + 1} deploy STAGE=..."
        )


def platform(build: Build) -> str | None:
    """Return the wheels' platform in uv's terms, None for the host's own. 3.11 runs on Amazon Linux 2 (glibc 2.26)."""
    if build.target == "local":
        return None
    machine = "aarch64" if build.architecture == "arm64" else "x86_64"
    return f"{machine}-manylinux_2_17" if sys.version_info[:2] < (3, 12) else f"{machine}-manylinux_2_34"


def lock(build: Build) -> Path:
    """Return the lock file of the zip. A traced zip also holds the X-Ray SDK, which costs size and start time."""
    return LOCKS / ("tracing.txt" if build.tracing else "runtime.txt")


def installed(build: Build) -> Path:
    """Return the directory of the zip's dependencies for `build`; create it if it is not cached."""
    place = _place(build, "", lock(build).read_bytes())
    if not place.is_dir():
        with _new(place) as made:
            _install(build, lock(build), made)
            _prune(made)
            _prune_runtime(made, SERVICE_MODELS | ({"xray"} if build.tracing else set()))
            compile_tree(made)
    return place


def layer(build: Build, extra: str) -> Path:
    """Return the content of an extra's Lambda layer, the directory `python`; create it if it is not cached.

    Raises SettingError if the extra is not locked, adds nothing to the zip, or needs other versions than the zip has.
    """
    added = _added(build, extra)
    place = _place(build, extra, added.encode())
    if not place.is_dir():
        with _new(place) as made, tempfile.TemporaryDirectory() as scratch:
            requirements = Path(scratch) / f"{extra}.txt"
            requirements.write_text(added)
            _install(build, requirements, made / "python")
            _prune(made)
            compile_tree(made, LAYER_PATH)
    return place


def _added(build: Build, extra: str) -> str:
    """Return the requirements of an extra's lock file that are not in the lock file of the zip."""
    path = LOCKS / f"{extra}.txt"
    if not path.is_file():
        raise SettingError(f"The extra {extra} is not locked: add it to pyproject.toml, then run: make lock")
    held, added = _requirements(lock(build)), {}
    for name, requirement in _requirements(path).items():
        if name not in held:
            added[name] = requirement
        elif _versions(requirement) != _versions(held[name]):
            raise SettingError(
                f"{path.name} and {lock(build).name} lock {name} differently, but a layer cannot replace a "
                "package of the zip. Run: make lock"
            )
    if not added:
        raise SettingError(f"The extra {extra} adds no package to the zip.")
    return "".join(added.values())


def _requirements(path: Path) -> dict[str, str]:
    """Return name -> requirement with its markers and hashes; a package may be locked for several markers."""
    found: dict[str, str] = {}
    name = ""
    for line in path.read_text().splitlines(keepends=True):
        if not line.startswith((" ", "#")):
            name = line.partition("==")[0]
        if not line.lstrip().startswith("#"):
            found[name] = found.get(name, "") + line
    return found


def _versions(requirement: str) -> list[str]:
    return [line for line in requirement.splitlines() if not line.lstrip().startswith("--hash=")]


def _place(build: Build, extra: str, locked: bytes) -> Path:
    """Return the directory of the cache for these requirements."""
    parts = [locked, Path(__file__).read_bytes(), f"{sys.version} {platform(build)}".encode()]
    kind = "-".join([build.target, *(["traced"] if build.tracing else []), *([f"layer-{extra}"] if extra else [])])
    return BUILD / "dependencies" / kind / hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


@contextlib.contextmanager
def _new(place: Path) -> Iterator[Path]:
    """Yield a directory to fill that then becomes `place`; remove the earlier contents of its kind."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for old in place.parent.iterdir():
        shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        made = Path(scratch) / "site"
        yield made
        made.rename(place)


def _install(build: Build, requirements: Path, into: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("uv")),
        *("pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--python", sys.executable, "--target", str(into), "-r", str(requirements)),
    ]
    if wheels := platform(build):
        command += ["--python-platform", wheels, "--python-version", python_minor()]
    # Copies, because the files are pruned and compiled in place and the installer's cache must stay unchanged.
    done = subprocess.run([*command, "--link-mode", "copy"], check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SettingError(f"The dependencies of {requirements.name} could not be installed: see uv's output above.")


def _prune(site: Path) -> None:
    for path in sorted(site.rglob("*"), reverse=True):
        junk = path.name in JUNK_DIRECTORIES or path.name.endswith(".dist-info")
        if path.is_dir() and junk:
            shutil.rmtree(path)
        elif path.is_file() and (path.suffix in JUNK_SUFFIXES or path.name == ".lock"):
            path.unlink()


def _prune_runtime(site: Path, models: set[str]) -> None:
    """Remove parts of Powertools and botocore that the app does not use."""
    shutil.rmtree(site / POWERTOOLS / "event_handler")
    for utility in (site / POWERTOOLS / "utilities").iterdir():
        if utility.name not in POWERTOOLS_UTILITIES:
            shutil.rmtree(utility)
    for model in (site / "botocore" / "data").iterdir():
        if model.is_dir() and model.name not in models:
            shutil.rmtree(model)


def compile_tree(directory: Path, runtime_path: str = RUNTIME_PATH) -> None:
    """Compile all of `directory`, so that a cold start compiles, checks and writes nothing."""
    command = [
        *(sys.executable, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(directory), "-p", runtime_path, str(directory)),
    ]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONHASHSEED": "0"}, stdin=subprocess.DEVNULL)
