"""A third of `make sim`: the boards. See the package's docstring."""

import sys

from tests.boards.mutants import MUTANTS
from tests.boards.scenario import run
from tests.seeds import main

if __name__ == "__main__":
    sys.exit(main("tests.boards", run, MUTANTS))
