"""Entry of `make bench`. See the package's docstring."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from tests.bench import (
    badges,
    contention,
    cost,
    crowds,
    economy,
    economy_rates,
    emulated,
    first_run,
    imports,
    one_writer,
    order,
    peers,
    player_imports,
    progress,
    ranks,
    reject,
    repairs,
    slow_gateways,
)
from tests.bench.figures import Figure, NotTaken, Skipped, misses


@dataclass(frozen=True)
class Part:
    """Figures that are taken together.

    The part fails unless all of `names` are taken or skipped within `limit_s` (several times the usual duration).
    """

    names: tuple[str, ...]
    take: Callable[[], Iterator[Figure | Skipped]]
    limit_s: int


PARTS = (
    Part(("progress.write_units_per_event",), progress.write_units, 60),
    Part(("progress.cpu_ms_per_1000_events", "progress.cpu_of_long_streaks"), progress.cpu, 300),
    Part(("progress.retries_per_write",), contention.retries, 120),
    Part((reject.NAME,), reject.seconds, 60),
    Part(("cost.write_units_per_event", "cost.usd_per_million_events"), cost.whole_path, 600),
    Part(order.NAMES, order.spread, 60),
    Part(("badges.eval_ms",), badges.evaluation, 30),
    Part(("import.api_ms", "import.worker_ms"), imports.imports, 300),
    Part(("package.zip_mb",), imports.zip_size, 300),
    Part((player_imports.UNITS,), player_imports.units, 60),
    Part((player_imports.RATE,), player_imports.rates, 1200),
    Part(first_run.NAMES, first_run.runs, 1200),
    Part(emulated.NAMES, emulated.pipeline, 300),
    Part(ranks.NAMES, ranks.boards, 1200),
    Part(repairs.NAMES, repairs.repairs, 2400),
    Part(("board.updates_per_s",), one_writer.rate, 300),
    Part(peers.NAMES, peers.peers, 600),
    Part(economy.TRANSFER_NAMES, economy.transfers, 60),
    Part(economy.REDEEM_NAMES, economy.redemptions, 60),
    Part((slow_gateways.NAME,), slow_gateways.transfers, 60),
    Part((crowds.TRANSFER,), crowds.transfers, 60),
    Part((crowds.REDEEM,), crowds.redemptions, 60),
    Part(economy_rates.NAMES, economy_rates.rates, 300),
)


def main(only: str) -> int:
    """Print the figures whose name begins with `only`. Return the exit status.

    It is 1 if one of them could not be taken, or a counted one misses its target; 2 if there is none.
    """
    parts = [part for part in PARTS if any(name.startswith(only) for name in part.names)]
    if not parts:
        names = ", ".join(name for part in PARTS for name in part.names)
        print(f"error: no figure begins with ONLY={only!r}; there are: {names}", file=sys.stderr)
        return 2
    taken: list[Figure] = []
    status = 0
    for part in parts:
        requested = [name for name in part.names if name.startswith(only)]
        try:
            with _at_most(part.limit_s):
                taken += _taken(part, requested)
        except Exception as error:
            kind = "" if isinstance(error, NotTaken) else f"{type(error).__name__}: "
            print(f"error: {', '.join(requested)} cannot be taken: {kind}{error}", file=sys.stderr)
            status = 1
    for miss in misses(taken):
        print(miss.sentence(), file=sys.stderr)
        status = 1 if miss.target.counted else status
    return status


def _taken(part: Part, requested: list[str]) -> list[Figure]:
    """Print each figure when it is taken. Raise NotTaken if one is missing at the end."""
    taken: list[Figure] = []
    left_out: list[Skipped] = []
    for each in part.take():
        if isinstance(each, Skipped):
            left_out.append(each)
            if any(name.startswith(each.name) for name in requested):
                print(f"skipped: {each.name}: {each.reason}", file=sys.stderr)
        elif each.name in requested:
            print(each.line(), flush=True)
            taken.append(each)
    missing = set(requested) - {figure.name for figure in taken}
    missing = {name for name in missing if not any(name.startswith(skipped.name) for skipped in left_out)}
    if missing:
        raise NotTaken(f"nothing was measured for {', '.join(sorted(missing))}")
    return taken


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def stop(_: int, __: FrameType | None) -> None:
        raise NotTaken(f"not done within {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    sys.exit(main(os.environ.get("ONLY", "")))
