"""The root of the `laurel` command. Expected errors become one line and exit status 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.cli.board import board
from chalicelib.cli.dlq import dlq
from chalicelib.cli.key import key
from chalicelib.cli.ledger import ledger
from chalicelib.cli.player import player
from chalicelib.cli.replay import replay
from chalicelib.cli.replay_outcome import BadEvents
from chalicelib.cli.ruleset import ruleset
from chalicelib.cli.stack import stack
from chalicelib.cli.target import NoTarget, Target
from chalicelib.cli.trace import BadTrace
from chalicelib.domain.core.errors import InvalidRuleset, LaurelError, LostRace
from chalicelib.gateways.queues import NotDeleted, NotSent
from chalicelib.store.core.table import StoreError

EXPECTED = (
    BadEvents,
    BadTrace,
    BotoCoreError,
    ClientError,
    LostRace,
    InvalidRuleset,
    LaurelError,
    NoTarget,
    NotDeleted,
    NotSent,
    OSError,
    StoreError,
)


class OneLine(click.Group):
    """A group whose commands report an expected error in one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the reader of stdout has closed it: click exits quietly
        except EXPECTED as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=OneLine, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--stage", help="A deployment on AWS (laurel-STAGE). Default: that of the environment, else the local stack."
)
@click.option(
    "--ruleset",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The ruleset file of the deployment, if it is not the default one.",
)
@click.pass_context
def main(context: click.Context, stage: str | None, ruleset: Path | None) -> None:
    """Operate Laurel: boards, ledger, keys, failed messages, replays, rulesets."""
    context.obj = context.obj or Target(stage, ruleset)


for command in (board, dlq, key, ledger, player, replay, ruleset, stack):
    main.add_command(command)
