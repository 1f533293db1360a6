"""Build the deployment package build/<target>/{deployment.zip, layer-*.zip, sam.json}, for AWS or the local stack.

`python -m infra.package STAGE aws|local`; optional environment: RULESET=path, TRACING=1, CORS_ORIGIN=origin,
RUNBOOK=url,
TABLE=name.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from chalicelib.api.operations.docs import ASSETS
from chalicelib.domain.core.errors import InvalidRuleset
from chalicelib.domain.rules.ruleset import Rules, load
from infra import dependencies, layers
from infra.openapi import files as openapi_files
from infra.policies import policy
from infra.settings import APP, BUILD, FUNCTIONS, ROOT, RUNBOOK, Build, SettingError, Target
from infra.template import merge_template

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold: the same content gives the same zip
DEFAULT_RULESET = "default.toml"


@dataclass(frozen=True)
class Package:
    """A finished build: paths of the zip, its layers and the SAM template (whose code is in no bucket yet)."""

    build: Build
    zip: Path
    template: Path
    recipe: str  # a digest of all inputs
    layers: tuple[Path, ...] = ()


def package(build: Build, out: Path | None = None) -> Package:
    """Build the package into `out` (default build/<target>), unless it is already built from the same sources.

    Safe to call from several processes at once. Raises SettingError for an invalid setting or ruleset.
    """
    dependencies.check_runtime(build)
    out = out or BUILD / build.target
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        recipe = _recipe(build)
        mark = out / "recipe"
        if not (mark.is_file() and mark.read_text() == recipe):
            shutil.rmtree(out, ignore_errors=True)
            _build(build, out)
            mark.write_text(recipe)
    zips = tuple(out / layers.file_name(extra) for extra in layers.extras())
    return Package(build, out / "deployment.zip", out / "sam.json", recipe, zips)


def _recipe(build: Build) -> str:
    """Return a digest of all inputs of a build."""
    digest = hashlib.sha256(f"{sys.version}\n{build}\n".encode())
    folders = [ROOT / name for name in ("chalicelib", "infra", ".chalice", "requirements")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    for path in [ROOT / "app.py", *sorted(files), *([build.ruleset] if build.ruleset else [])]:
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _build(build: Build, out: Path) -> None:
    site = dependencies.installed(build)
    tree = out / "tree"
    tree.mkdir(parents=True)
    name, rules = _copy_sources(build, tree)
    _configure(build, tree, name, rules)
    _run_chalice(build, tree, out)
    stage = out / "stage"
    with zipfile.ZipFile(out / "deployment.zip") as archive:
        archive.extractall(stage)
    dependencies.compile_tree(stage)
    _write_zip(out / "deployment.zip", [site, stage])
    zips = tuple(write_layer(build, extra, out) for extra in layers.extras())
    layers.check_sizes(out / "deployment.zip", zips)
    shutil.rmtree(stage)
    shutil.rmtree(tree)


def _copy_sources(build: Build, tree: Path) -> tuple[str, Rules]:
    """Copy the files to ship, including the chosen ruleset; return the ruleset's file name and its rules."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copy(ROOT / "app.py", tree)
    shutil.copytree(ROOT / "chalicelib", tree / "chalicelib", ignore=ignored)
    shutil.rmtree(tree / "chalicelib" / "cli", ignore_errors=True)  # runs where it is installed, never on Lambda
    openapi_files.write(tree / "chalicelib" / ASSETS)
    rulesets = tree / "chalicelib" / "rulesets"
    name = DEFAULT_RULESET
    if build.ruleset:
        if not build.ruleset.is_file():
            raise SettingError(f"RULESET {build.ruleset}: there is no such file.")
        name = build.ruleset.name
        shutil.copy(build.ruleset, rulesets / name)
    return name, _ruleset(rulesets / name)


def _ruleset(path: Path) -> Rules:
    try:
        return load(path)
    except InvalidRuleset as error:
        raise SettingError(f"The ruleset cannot be deployed: {error}") from error


def _configure(build: Build, tree: Path, ruleset: str, rules: Rules) -> None:
    """Write Chalice's settings: the committed ones and, per function, memory, timeout and policy."""
    settings = json.loads((ROOT / ".chalice" / "config.json").read_text())
    home = tree / ".chalice"
    home.mkdir()
    functions = {}
    for function in FUNCTIONS:
        file = f"policy-{function.suffix}.json"
        (home / file).write_text(json.dumps(policy(build, function, rules.boards)))
        functions[function.name] = {
            "iam_policy_file": file,
            "lambda_memory_size": function.memory_mb,
            "lambda_timeout": function.timeout_s,
        }
    settings |= {
        "stages": {build.stage: {"lambda_functions": functions}},
        "lambda_architecture": build.architecture,
        "log_retention_in_days": build.log_days,
        "xray": build.tracing,
    }
    (home / "config.json").write_text(json.dumps(settings))
    (tree / "merge.json").write_text(json.dumps(merge_template(build, ruleset, rules.id)))


def _run_chalice(build: Build, tree: Path, out: Path) -> None:
    """Run Chalice, which reads the app and writes sam.json and a zip of the app and its runtime.

    It does not see the dependencies: it would fetch them with pip after every change of a line.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LAUREL_", "PYTHONPATH"))}
    environment |= {
        "AWS_DEFAULT_REGION": environment.get("AWS_DEFAULT_REGION", "us-east-1"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAUREL_CORS_ORIGIN": build.cors_origin,  # read here, where the preflight responses are made
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [
        *(sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"),
        *("package", "--stage", build.stage, "--pkg-format", "cloudformation", "--template-format", "json"),
        *("--merge-template", "merge.json", str(out.resolve())),
    ]
    done = subprocess.run(
        command,
        cwd=tree,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SettingError(f"chalice package failed:\n{done.stdout}{done.stderr}")


def write_layer(build: Build, extra: str, out: Path) -> Path:
    """Write the zip of an extra's layer into `out`; return its path."""
    target = out / layers.file_name(extra)
    _write_zip(target, [dependencies.layer(build, extra)])
    return target


def _write_zip(target: Path, roots: list[Path]) -> None:
    """Write one zip of all `roots`, sorted, with fixed times and modes."""
    files = {path.relative_to(root).as_posix(): path for root in roots for path in root.rglob("*") if path.is_file()}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[name].read_bytes())


def chosen(stage: str, target: Target) -> Build:
    """Return the build that the environment describes: RULESET (a path), TRACING (1), CORS_ORIGIN, RUNBOOK, TABLE."""
    ruleset, table = os.environ.get("RULESET"), os.environ.get("TABLE", "")
    return Build(
        stage,
        target,
        tracing=os.environ.get("TRACING", "") == "1",
        ruleset=Path(ruleset).resolve() if ruleset else None,
        cors_origin=os.environ.get("CORS_ORIGIN") or "*",
        runbook=os.environ.get("RUNBOOK") or RUNBOOK,
        # The name of the stack's own table means that one.
        table="" if table == f"{APP}-{stage}" else table,
    )


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or arguments[1] not in {"aws", "local"}:
        print("usage: python -m infra.package STAGE aws|local", file=sys.stderr)
        return 2
    started = time.monotonic()
    try:
        made = package(chosen(arguments[0], "aws" if arguments[1] == "aws" else "local"))
    except SettingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for path in (made.zip, *made.layers):
        size, unzipped = path.stat().st_size, layers.unzipped_size(path)
        print(f"{os.path.relpath(path)}: {size / 1e6:.1f} MB, {unzipped / 1e6:.1f} MB unpacked")
    print(f"{os.path.relpath(made.template)}: {made.template.stat().st_size / 1e3:.0f} kB")
    print(f"in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
