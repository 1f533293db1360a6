"""`make sim`: seeds on every core, then every mutant until it is caught. See the package's docstring."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.pipeline.mutants import MUTANTS
from tests.pipeline.scenario import Failed, run

# Every mutant of the list has been caught within 20 seeds; ten times that is a check that can fail.
MUTANT_SEEDS = 200
SHOWN_STEPS = 60


def seed_result(seed: int) -> tuple[int, str, Counter[str]]:
    """(seed, what failed or '', faults met)."""
    try:
        plant = run(seed)
    except Failed as failed:
        return seed, str(failed), Counter()
    except Exception as error:
        return seed, f"seed {seed}: {error!r}", Counter()
    return seed, "", plant.world.fault_counts + Counter(calls=sum(plant.world.calls.values()))


def catching_seed(name: str) -> tuple[str, int | None]:
    """The first seed that fails the mutant."""
    for seed in range(MUTANT_SEEDS):
        try:
            run(seed, MUTANTS[name])
        except Exception:
            return name, seed
    return name, None


def main() -> int:
    parser = argparse.ArgumentParser(prog="make sim")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--seed", type=int, help="replay one seed, with the end of its trace")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="only this one")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        return _replay(chosen.seed, chosen.mutant)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        failures = 0 if chosen.mutant else _seeds(pool, chosen.seeds)
        escaped = [
            name for name, seed in pool.map(catching_seed, [chosen.mutant] if chosen.mutant else MUTANTS)
            if not _told(name, seed)
        ]  # fmt: skip
    return 1 if failures or escaped else 0


def _seeds(pool: ProcessPoolExecutor, seeds: int) -> int:
    began, faults, failures = time.monotonic(), Counter[str](), 0
    for done, (seed, failure, met) in enumerate(pool.map(seed_result, range(seeds), chunksize=4), 1):
        faults += met
        if failure:
            failures += 1
            print(f"{failure}\n  replay: python -m tests.pipeline --seed {seed}")
        if done % 100 == 0:
            print(f"{done} seeds, {failures} failed, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{seeds - failures} of {seeds} seeds passed; met: {dict(sorted(faults.items()))}")
    return failures


def _told(name: str, seed: int | None) -> bool:
    print(
        f"mutant {name}: " + (f"caught by seed {seed}" if seed is not None else f"NOT CAUGHT by {MUTANT_SEEDS} seeds")
    )
    return seed is not None


def _replay(seed: int, mutant: str | None) -> int:
    try:
        run(seed, MUTANTS[mutant]) if mutant else run(seed)
    except Failed as failed:
        for step in failed.trace[-SHOWN_STEPS:]:
            print(*step)
        print(failed)
        return 1
    print(f"seed {seed} passes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
