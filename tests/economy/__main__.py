"""A third of `make sim`: the economy. See the package's docstring."""

import sys

from tests.economy.mutants import MUTANTS
from tests.economy.scenario import run
from tests.seeds import main

if __name__ == "__main__":
    sys.exit(main("tests.economy", run, MUTANTS))
