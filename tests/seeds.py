"""Seeds of a simulation on every core, and its mutants until they are caught: what `make sim` runs."""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SHOWN_STEPS = 60
# Most mutants are caught by the first seeds, the rarest within half of this: a check that can fail.
MUTANT_SEEDS = 200
# Seeds that a commit has to itself. In a row, since what a run is about follows from the seed modulo a small number.
COMMIT_SEEDS = 12
# Stands in for a commit outside of a git checkout.
NO_COMMIT = "0000000"
# What Python raises where a mutant patches something that is called otherwise now.
UNFIT = (AttributeError, ImportError, NameError, TypeError)
Run = Callable[..., Any]
Mutants = Mapping[str, Callable[[], Any]]


class Failed(AssertionError):
    """A seed that did not end as it should."""

    def __init__(self, seed: int, findings: list[str], trace: list[Any]) -> None:
        shown = "\n  ".join(findings[:12])
        super().__init__(f"seed {seed}: {len(findings)} findings\n  {shown}")
        self.seed, self.findings, self.trace = seed, findings, trace


@dataclass(frozen=True)
class Simulation:
    """`run(seed[, mutant])` gives a plant, or raises what is wrong."""

    package: str
    run: Run
    mutants: Mutants


@cache
def commit() -> str:
    """Return the short hash of the commit that is checked out, NO_COMMIT outside of a git checkout."""
    try:
        asked = ["git", "-C", str(ROOT), "rev-parse", "--show-toplevel", "HEAD"]
        top, head = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=30).stdout.split()
    except (OSError, subprocess.SubprocessError, ValueError):
        return NO_COMMIT
    return head[:7] if Path(top) == ROOT else NO_COMMIT


def commit_seeds() -> range:
    """Return the seeds of this commit: every commit proves other ones."""
    first = 1_000 + int(commit(), 16) % 1_000_000
    return range(first, first + COMMIT_SEEDS)


def replay_line() -> str:
    """Say which seeds this commit has, and what runs them again."""
    seeds = commit_seeds()
    return (
        f"Seeds of commit {commit()}: {seeds[0]}..{seeds[-1]}; "
        f"replay: .venv/bin/python -m tests.simulations --first {seeds[0]} --seeds {len(seeds)} --no-mutants"
    )


def main(simulation: Simulation) -> int:
    """Run the command line of one simulation."""
    parser = argparse.ArgumentParser(prog=f"python -m {simulation.package}")
    add_range(parser)
    parser.add_argument("--seed", type=int, help="replay one seed, with the end of its trace")
    parser.add_argument("--mutant", choices=sorted(simulation.mutants), help="only this one")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        return _replay(simulation, chosen.seed, chosen.mutant)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        if chosen.mutant:
            return len(escaped(pool, simulation, [chosen.mutant]))
        return prove(pool, simulation, range(chosen.first, chosen.first + chosen.seeds), chosen.mutants)


def add_range(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seeds", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--no-mutants", dest="mutants", action="store_false", help="leave the mutants out")


def prove(pool: ProcessPoolExecutor, simulation: Simulation, seeds: range, mutants: bool) -> int:
    """Run seeds, then mutants until they are caught; returns how many failed or escaped."""
    failures = _seeds(pool, simulation, seeds)
    return failures + len(escaped(pool, simulation, list(simulation.mutants)) if mutants else ())


def escaped(pool: ProcessPoolExecutor, simulation: Simulation, names: list[str]) -> list[str]:
    """Return the mutants that no seed caught; prints which seed caught each of the others."""
    caught = pool.map(partial(catching_seed, simulation.run), [simulation.mutants[name] for name in names])
    return [name for name, seed in zip(names, caught, strict=True) if not _is_caught(name, seed)]


def catching_seed(run: Run, mutant: Callable[[], Any], seeds: int = MUTANT_SEEDS) -> int | None:
    """Return the first seed that fails the mutant; None if so many pass."""
    for seed in range(seeds):
        if catches(run, mutant, seed):
            return seed
    return None


def catches(run: Run, mutant: Callable[[], Any], seed: int) -> bool:
    """Return whether a seed fails the mutant. Raise the error of a mutant that no longer fits the code."""
    try:
        run(seed, mutant)
    except Exception as error:
        if isinstance(error, UNFIT) or isinstance(error.__cause__, UNFIT):
            raise
        return True
    return False


def _seed_result(run: Run, seed: int) -> tuple[int, str, Counter[str]]:
    """Return (seed, failure or '', faults met)."""
    try:
        plant = run(seed)
    except Failed as failed:
        return seed, str(failed), Counter()
    except Exception as error:
        return seed, f"seed {seed}: {error!r}", Counter()
    return seed, "", plant.world.fault_counts + Counter(calls=sum(plant.world.calls.values()))


def _seeds(pool: ProcessPoolExecutor, simulation: Simulation, seeds: range) -> int:
    package, began, faults, failures = simulation.package, time.monotonic(), Counter[str](), 0
    results = pool.map(partial(_seed_result, simulation.run), seeds, chunksize=4)
    for done, (seed, failure, met) in enumerate(results, 1):
        faults += met
        if failure:
            failures += 1
            print(f"{failure}\n  replay: .venv/bin/python -m {package} --seed {seed}")
        if done % 100 == 0:
            print(f"{package}: {done} seeds, {failures} failed, {time.monotonic() - began:.0f} s", flush=True)
    met_line = dict(sorted(faults.items()))
    print(f"{package}: {len(seeds) - failures} of {len(seeds)} seeds passed; met: {met_line}", flush=True)
    return failures


def _is_caught(name: str, seed: int | None) -> bool:
    by = f"caught by seed {seed}" if seed is not None else f"NOT CAUGHT by {MUTANT_SEEDS} seeds"
    print(f"mutant {name}: {by}", flush=True)
    return seed is not None


def _replay(simulation: Simulation, seed: int, mutant: str | None) -> int:
    try:
        simulation.run(seed, *([simulation.mutants[mutant]] if mutant else []))
    except Failed as failed:
        for step in failed.trace[-SHOWN_STEPS:]:
            print(*step)
        print(failed)
        return 1
    print(f"seed {seed} passes")
    return 0
