"""One simulation of `make sim`. See the package's docstring."""

import sys

from tests.seeds import main
from tests.simulations import PIPELINE

if __name__ == "__main__":
    sys.exit(main(PIPELINE))
