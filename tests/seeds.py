"""Seeds of a simulation on every core, and its mutants until they are caught: what `make sim` runs."""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

SHOWN_STEPS = 60
# Most mutants are caught by the first seeds, the rarest within half of this: a check that can fail.
MUTANT_SEEDS = 200
Run = Callable[..., Any]


class Failed(AssertionError):
    """A seed that did not end as it should."""

    def __init__(self, seed: int, findings: list[str], trace: list[Any]) -> None:
        shown = "\n  ".join(findings[:12])
        super().__init__(f"seed {seed}: {len(findings)} findings\n  {shown}")
        self.seed, self.findings, self.trace = seed, findings, trace


def main(package: str, run: Run, mutants: Mapping[str, Callable[[], Any]]) -> int:
    """The command line of a simulation. `run(seed[, mutant])` gives a plant, or raises what is wrong."""
    parser = argparse.ArgumentParser(prog=f"python -m {package}")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--seed", type=int, help="replay one seed, with the end of its trace")
    parser.add_argument("--mutant", choices=sorted(mutants), help="only this one")
    chosen = parser.parse_args()
    wanted = {chosen.mutant: mutants[chosen.mutant]} if chosen.mutant else mutants
    if chosen.seed is not None:
        return _replay(run, chosen.seed, list(wanted.values()) if chosen.mutant else [])
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        failures = 0 if chosen.mutant else _seeds(pool, package, run, chosen.seeds)
        caught = pool.map(partial(catching_seed, run), wanted.values())
        escaped = [name for name, seed in zip(wanted, caught, strict=True) if not _told(name, seed)]
    return 1 if failures or escaped else 0


def catching_seed(run: Run, mutant: Callable[[], Any], seeds: int = MUTANT_SEEDS, first: int = 0) -> int | None:
    """The first seed, from `first` on, that fails the mutant; None if so many pass."""
    for seed in range(first, first + seeds):
        try:
            run(seed, mutant)
        except Exception:
            return seed
    return None


def _seed_result(run: Run, seed: int) -> tuple[int, str, Counter[str]]:
    """(seed, what failed or '', faults met)."""
    try:
        plant = run(seed)
    except Failed as failed:
        return seed, str(failed), Counter()
    except Exception as error:
        return seed, f"seed {seed}: {error!r}", Counter()
    return seed, "", plant.world.fault_counts + Counter(calls=sum(plant.world.calls.values()))


def _seeds(pool: ProcessPoolExecutor, package: str, run: Run, seeds: int) -> int:
    began, faults, failures = time.monotonic(), Counter[str](), 0
    for done, (seed, failure, met) in enumerate(pool.map(partial(_seed_result, run), range(seeds), chunksize=4), 1):
        faults += met
        if failure:
            failures += 1
            print(f"{failure}\n  replay: python -m {package} --seed {seed}")
        if done % 100 == 0:
            print(f"{done} seeds, {failures} failed, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{seeds - failures} of {seeds} seeds passed; met: {dict(sorted(faults.items()))}")
    return failures


def _told(name: str, seed: int | None) -> bool:
    print(
        f"mutant {name}: " + (f"caught by seed {seed}" if seed is not None else f"NOT CAUGHT by {MUTANT_SEEDS} seeds")
    )
    return seed is not None


def _replay(run: Run, seed: int, mutants: list[Callable[[], Any]]) -> int:
    try:
        run(seed, *mutants)
    except Failed as failed:
        for step in failed.trace[-SHOWN_STEPS:]:
            print(*step)
        print(failed)
        return 1
    print(f"seed {seed} passes")
    return 0
