"""Tests of `laurel ruleset apply`: it uses the deployed ruleset or nothing, and says when there is nothing to do."""

from __future__ import annotations

from dataclasses import replace as changed
from pathlib import Path
from typing import Any

import pytest

from chalicelib.cli import target
from chalicelib.cli.target import NoTarget, Target
from chalicelib.domain.rules import ruleset
from chalicelib.gateways.queues import NotSent
from chalicelib.services.progress import apply_ruleset as use_case
from chalicelib.settings import RULESETS
from tests.cli.conftest import Deployment, gateway_event

DEFAULT = (RULESETS / "default.toml").read_text()
EASIER = DEFAULT.replace('action = "request", at_least = 100 }', 'action = "request", at_least = 2 }')


def deploy(laurel: Deployment, tmp_path: Path, text: str) -> None:
    """Set another ruleset for the deployment and the command."""
    file = tmp_path / "mine.toml"
    file.write_text(text)
    laurel.context = laurel.target.context = laurel.plant.context = changed(laurel.context, rules=ruleset.load(file))
    laurel.target.deployed_ruleset = laurel.context.rules.id


def apply(laurel: Deployment, *options: str, status: int = 0) -> str:
    result = laurel.laurel("ruleset", "apply", "--yes", *options, status=status)
    laurel.run()
    return result.output


@pytest.mark.parametrize("option", ["--yes", "--dry-run"])
def test_another_ruleset_than_the_deployed_one_is_refused(laurel: Deployment, option: str) -> None:
    own = laurel.context.rules.id
    laurel.target.deployed_ruleset = "mine-1-0123456789ab"
    for words in (["ruleset", "apply", option], ["board", "verify", "global"], ["board", "rotate"]):
        said = laurel.laurel(*words, status=1).stderr
        assert said.count("\n") == 1
        assert f"'{own}'" in said
        assert "'mine-1-0123456789ab'" in said
        assert "--ruleset FILE" in said
    for words in (["board", "repair", "global"], ["board", "rebuild", "--all"]):
        assert "mine-1-0123456789ab" in laurel.laurel(*words, status=1).stderr
    assert not laurel.bodies("own")


def test_a_deployment_without_a_ruleset_id_is_unchanged(laurel: Deployment) -> None:
    laurel.target.deployed_ruleset = ""
    assert "ruleset is unknown" in laurel.laurel("ruleset", "apply", "--yes", status=1).stderr
    assert not laurel.bodies("own")
    laurel.laurel("board", "verify", "global")


def test_a_player_is_shown_with_a_warning(laurel: Deployment) -> None:
    laurel.send("events", gateway_event("ada", id="1"))
    laurel.run()
    assert laurel.laurel("player", "show", "ada").stderr == ""
    laurel.target.deployed_ruleset = "mine-1-0123456789ab"
    shown = laurel.laurel("player", "show", "ada")
    assert shown.stderr.startswith("Warning: The deployment has the ruleset 'mine-1-0123456789ab'")
    assert '"id": "ada"' in shown.stdout


def test_a_ruleset_is_applied_again_if_a_player_has_met_new_criteria(laurel: Deployment, tmp_path: Path) -> None:
    """Of A, B, A, B, the second run of B pays for criteria met since, and nothing twice."""
    for number in range(1):
        laurel.send("events", gateway_event("ada", id=str(number)))
    laurel.run()
    deploy(laurel, tmp_path, EASIER)
    assert "1 player queued" in apply(laurel)
    assert "nothing to do: it was applied at 2026-" in apply(laurel)
    deploy(laurel, tmp_path, DEFAULT)
    assert "1 player queued" in apply(laurel)
    laurel.send("events", gateway_event("ada", id="1"))
    laurel.run()
    before = laurel.xp("ada") or 0
    deploy(laurel, tmp_path, EASIER)
    assert "badge getting-warmed-up: 1 player" in apply(laurel, "--dry-run")
    assert laurel.xp("ada") == before, "a dry run does nothing"
    assert "1 player queued" in apply(laurel)
    assert laurel.xp("ada") == before + 25
    assert "nothing to do" in apply(laurel)
    assert "1 player queued" in apply(laurel, "--again")
    assert laurel.xp("ada") == before + 25


def test_a_stopped_run_says_that_it_continues(laurel: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        laurel.send("events", gateway_event(f"p{number}", id="1"))
    laurel.run()
    monkeypatch.setattr(use_case, "PLAYERS_AT_ONCE", 2)
    sends, queue = iter(range(10)), laurel.context.queues
    real = type(queue).send

    def send(self: Any, name: str, bodies: Any) -> None:
        if next(sends) == 1:
            raise NotSent("the line is down")
        real(self, name, bodies)

    with monkeypatch.context() as patch:
        patch.setattr(type(queue), "send", send)
        assert "the line is down" in apply(laurel, status=1)
    said = apply(laurel)
    assert "continuing a run that stopped after 0 players" in said
    assert "5 players queued" in said
    assert "nothing to do" in apply(laurel)


def test_the_ruleset_is_read_from_the_stack_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment may have been set before the last deployment."""
    asked = []

    def outputs(stage: str, aws: Any) -> dict[str, str]:
        asked.append((stage, aws))
        if stage == "gone":
            raise NoTarget("no such stack")
        return {"RulesetId": "mine-2-abc"}

    monkeypatch.setattr(target, "_outputs", outputs)
    monkeypatch.setenv("LAUREL_TABLE", "laurel-prod")
    monkeypatch.setenv("LAUREL_RULESET_ID", "mine-1-old")
    monkeypatch.setenv("LAUREL_STAGE", "prod")
    assert Target().deployed_ruleset == "mine-2-abc"
    monkeypatch.setenv("LAUREL_STAGE", "gone")
    assert Target().deployed_ruleset == ""
    assert asked == [("prod", {}), ("gone", {})]
