"""A third of `make sim`: the pipeline. See the package's docstring."""

import sys

from tests.pipeline.mutants import MUTANTS
from tests.pipeline.scenario import run
from tests.seeds import main

if __name__ == "__main__":
    sys.exit(main("tests.pipeline", run, MUTANTS))
