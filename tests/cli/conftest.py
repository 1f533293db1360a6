"""A whole Laurel on the simulated AWS, and the `laurel` command pointed at it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner, Result

from chalicelib.cli import main, player_import, replay_outcome
from chalicelib.domain.core.periods import moment_name
from chalicelib.settings import RULESETS
from chalicelib.store.progress.players import load_player
from tests.pipeline import plant as plants
from tests.pipeline.plant import Plant


@dataclass
class Deployment:
    """The queues and workers of `plant`, with methods that read their state."""

    plant: Plant

    def __post_init__(self) -> None:
        self.context = self.plant.context
        self.world = self.plant.world
        self.plant.urls["boards_dead_letter"] = self.world.create_queue(
            "laurel-boards-dead-letter.fifo", FifoQueue="true"
        )
        for name in ("rejected", "dead_letter"):
            self.world.queue(self.plant.urls[name]).configure({"MessageRetentionPeriod": str(14 * 86_400)})
        variables = {f"LAUREL_{name.upper()}_QUEUE": url for name, url in self.plant.urls.items()}
        self.target = SimpleNamespace(context=self.context, variables=variables, deployed_ruleset=self.context.rules.id)
        plants.start(self.plant, random.Random(1))

    def laurel(self, *words: str, status: int = 0, stdin: str | None = None) -> Result:
        """Run the command in this process; check its exit status."""
        result = self.invoke(*words, stdin=stdin)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    def invoke(self, *words: str, stdin: str | None = None) -> Result:
        """Run the command in this process. The workers work while it waits for an import."""

        def sleep(seconds: float) -> None:
            self.world.sleep(seconds)
            self.run()

        with patch.object(player_import, "_sleep", sleep), patch.object(replay_outcome, "_sleep", sleep):
            return CliRunner().invoke(main, words, obj=self.target, input=stdin)

    def listed(self, *options: str) -> list[dict[str, Any]]:
        lines = self.laurel("dlq", "list", "--json", *options).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def send(self, queue: str, body: Any) -> str:
        """Send one message as a gateway does. Return its id."""
        text = body if isinstance(body, str) else json.dumps(body)
        answer = self.plant.sqs.send_message(QueueUrl=self.plant.urls[queue], MessageBody=text)
        return str(answer["MessageId"])

    def run(self) -> None:
        """Let the workers work until nothing is left to do."""
        self.world.run()

    def bodies(self, queue: str) -> list[str]:
        return [message.body for message in self.world.queue(self.plant.urls[queue]).messages()]

    def xp(self, player: str) -> int | None:
        found = load_player(self.context.table, player)
        return found.xp if found else None

    def requests(self, player: str) -> int:
        found = load_player(self.context.table, player)
        return found.stats.get("requests", 0) if found else 0

    def now(self, seconds_ago: float = 0) -> str:
        return moment_name(self.world.now_ms() - round(seconds_ago * 1000))

    def fail_store(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        """Let every write of a player fail. Return a function that ends this."""
        from chalicelib.services.progress import apply_events
        from chalicelib.store.core.table import StoreError

        def broken(*_: Any, **__: Any) -> None:
            raise StoreError("the table is on fire")

        working = apply_events.commit
        monkeypatch.setattr(apply_events, "commit", broken)
        return lambda: monkeypatch.setattr(apply_events, "commit", working)


@pytest.fixture
def laurel() -> Deployment:
    return Deployment(plants.build(7, chosen=plants.rules(RULESETS / "default.toml")))


def gateway_event(player: str, **members: Any) -> dict[str, Any]:
    return {"type": "request.completed", "apiKeyId": player, "metadata": {"model": "m"}, **members}


def ids(found: Sequence[dict[str, Any]]) -> set[str]:
    return {each["id"] for each in found}
