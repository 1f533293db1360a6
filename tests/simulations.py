"""All simulations on all cores, and their mutants: what `make sim` and `make proof` run.

python -m tests.simulations --seeds 1000                              seeds 0..999 of each, then the mutants
python -m tests.simulations --first 5000 --seeds 12 --no-mutants      seeds 5000..5011 of each
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor

import tests.boards.mutants
import tests.boards.scenario
import tests.economy.mutants
import tests.economy.scenario
import tests.pipeline.mutants
import tests.pipeline.scenario
from tests.seeds import Simulation, add_range, prove

PIPELINE = Simulation("tests.pipeline", tests.pipeline.scenario.run, tests.pipeline.mutants.MUTANTS)
BOARDS = Simulation("tests.boards", tests.boards.scenario.run, tests.boards.mutants.MUTANTS)
ECONOMY = Simulation("tests.economy", tests.economy.scenario.run, tests.economy.mutants.MUTANTS)
ALL = (PIPELINE, BOARDS, ECONOMY)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulations")
    add_range(parser)
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        failed = {each.package: prove(pool, each, seeds, chosen.mutants) for each in ALL}
    bad = {package: number for package, number in failed.items() if number}
    print(f"{len(ALL)} simulations of {len(seeds)} seeds: " + (f"failed: {bad}" if bad else "all passed"))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
