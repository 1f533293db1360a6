"""A table that is slow: a batch that takes longer than an invocation is worked off over several."""

from __future__ import annotations

from itertools import pairwise

from chalicelib.services.progress.process_messages import process_messages
from tests.pipeline import plant as plants
from tests.services.progress.test_apply_events import counted, event, message
from tests.simulated.faults import Faults

MESSAGES, PLAYERS = 12, 3


def test_a_batch_that_is_too_large_for_its_time_is_acknowledged_part_by_part() -> None:
    """Test that each invocation keeps time to publish; a message applied and not published comes again whole."""
    plant = plants.build(1, Faults(latency_ms=(1000, 1000)))
    # In order of time, the last player of every message would come first.
    left = [
        message(
            plant,
            number,
            [event(plant, 0, f"player-{number}-{place}", ago_s=60 * place) for place in range(PLAYERS)],
        )
        for number in range(MESSAGES)
    ]
    sizes = [MESSAGES]

    def invoke() -> None:
        while left and len(sizes) < 10:
            began_ms = plant.world.now_ms()
            report = process_messages(plant.context.within(30_000), "events", left)
            assert plant.world.now_ms() - began_ms < 30_000
            left[:] = [each for each in left if each.id in report.failed]
            sizes.append(len(left))

    plant.world.scheduler.spawn("worker", invoke)
    plant.world.run()
    assert sizes[-1] == 0
    assert all(after < before for before, after in pairwise(sizes))
    names = [f"player-{number}-{place}" for number in range(MESSAGES) for place in range(PLAYERS)]
    assert {counted(plant, name) for name in names} == {1}
