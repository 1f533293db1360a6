"""Find the players of an import whose event was rejected, among the failed messages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from chalicelib.domain.core.queues import OWN, REJECTED
from chalicelib.domain.events import event as events
from chalicelib.domain.events.payloads import PLAYER_IMPORTED
from chalicelib.services.context import Context
from chalicelib.services.events.failed_messages import FailedMessage
from chalicelib.services.operations.list_failures import list_failures


def rejected_players(context: Context, name: str, players: Collection[str]) -> dict[str, str]:
    """Return the reasons of rejections under the name of an import, by player, of those among `players`.

    Reads up to 1,000 rejected messages. Of each, the first ten reasons are on record.
    """
    found: dict[str, str] = {}
    for failed in list_failures(context, REJECTED).found:
        for player, sentence in _rejections(failed, name):
            if player in players:
                found[player] = sentence
    return found


def _rejections(failed: FailedMessage, name: str) -> list[tuple[str, str]]:
    # Any sender can put such an event, or what is none, into the other queues.
    if failed.origin != OWN or not failed.body or failed.rejections is None or failed.rejections.whole:
        return []
    raws = events.split(failed.body)
    sentences = [(raws[place], sentence) for place, sentence in failed.rejections.sentences if place is not None]
    return [(raw["subject"], sentence) for raw, sentence in sentences if _is_of_import(raw, name)]


def _is_of_import(raw: Any, name: str) -> bool:
    return isinstance(raw, dict) and (raw.get("type"), raw.get("id")) == (PLAYER_IMPORTED, name) and "subject" in raw
