"""Forms of events, and members that no form takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.events.event import Delivery, Event, parse, split
from chalicelib.domain.identity.names import NO_PLAYERS, is_player_id
from chalicelib.domain.ledger.transfer import BURN, MINT, REWARDS, is_system
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.desk import NOON

CLOUD = {"specversion": "1.0", "id": "1", "source": "s", "type": "request.completed", "subject": "ada"}
GATEWAY = {"type": "request.completed", "apiKeyId": "ada"}
AWARD = {"event": "award", "properties": {"username": "ada", "points": 5, "reason": "kind"}}


@pytest.fixture
def read(rules: Rules) -> Any:
    return lambda raw: parse(raw, Delivery("m", NOON), rules.settings, NOON)


def refused(read: Any, raw: Any) -> tuple[str, str]:
    with pytest.raises(RejectedEvent) as caught:
        read(raw)
    return caught.value.reason, caught.value.sentence


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (GATEWAY | {"metdata": {}}, "There is no member 'metdata'; did you mean 'metadata'?"),
        (GATEWAY | {"Metadata": {}}, "There is no member 'Metadata'; did you mean 'metadata'?"),
        (GATEWAY | {"data": {}}, "There is no member 'data'; did you mean 'metadata'?"),
        (GATEWAY | {"model": "m"}, "There is no member 'model'."),
        (GATEWAY | {"subject": "ada"}, "There is no member 'subject'."),
    ],
)
def test_the_short_form_of_a_gateway_has_its_own_members_only(read: Any, raw: Any, sentence: str) -> None:
    assert refused(read, raw) == ("invalid_event", sentence)


def test_cloud_events_may_be_extended_and_so_may_metadata_and_awards(read: Any) -> None:
    for raw in (
        CLOUD | {"dataschema": "https://example.org/x", "traceparent": "00-1"},
        CLOUD | {"event": "award"},
        GATEWAY | {"metadata": {"modle": "m", "requestId": "r"}},
        AWARD | {"uuid": "u", "properties": AWARD["properties"] | {"$lib": "web"}},
    ):
        assert isinstance(read(raw), Event)


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (CLOUD | GATEWAY, "'specversion' and 'apiKeyId'"),
        (CLOUD | {"apiKeyId": "bob"}, "'specversion' and 'apiKeyId'"),
        (CLOUD | AWARD, "'specversion' and 'event'"),
        (GATEWAY | AWARD, "'apiKeyId' and 'event'"),
    ],
)
def test_two_forms_in_one_event(read: Any, raw: Any, named: str) -> None:
    reason, sentence = refused(read, raw)
    assert (reason, sentence) == ("ambiguous_form", f"The event mixes two formats, with {named}; use one of them.")


@pytest.mark.parametrize("player", NO_PLAYERS)
@pytest.mark.parametrize("raw", [CLOUD, GATEWAY, AWARD], ids=["canonical", "gateway", "award"])
def test_ids_that_no_player_has(read: Any, raw: dict[str, Any], player: str) -> None:
    properties = AWARD["properties"] | {"username": player}  # type: ignore[operator]
    changed = {"subject": player, "apiKeyId": player, "properties": properties}
    mine = raw | {name: value for name, value in changed.items() if name in raw}
    assert refused(read, mine) == ("invalid_event", f"'{player}' cannot be a player's id.")


def test_no_player_is_called_like_an_account_of_the_ledger() -> None:
    assert {MINT, BURN, REWARDS} == {name for name in NO_PLAYERS if is_system(name)}


@pytest.mark.parametrize("player", ["...", "a.", "@ada", "mint", "@mint2", "@"])
def test_similar_ids_are_ids(player: str) -> None:
    assert is_player_id(player)


def test_integers_may_be_spelled_as_json_allows(read: Any) -> None:
    event = read(GATEWAY | {"metadata": {"tokensIn": 812.0, "tokensOut": 1e3}})
    assert (event.payload.tokens_in, event.payload.tokens_out) == (812, 1000)
    assert event.body == read(GATEWAY | {"metadata": {"tokensIn": 812, "tokensOut": 1000}}).body
    assert refused(read, GATEWAY | {"metadata": {"tokensIn": 0.5}})[0] == "invalid_data"
    assert refused(read, GATEWAY | {"metadata": {"tokensIn": True}})[0] == "invalid_data"


def test_a_byte_order_mark_is_skipped() -> None:
    assert split("\ufeff" + json.dumps([GATEWAY])) == [GATEWAY]
    assert split('\ufeff[{"a": 1e400}, {"b": 1}]')[1] == {"b": 1}
    with pytest.raises(RejectedEvent):
        split("\ufeff\ufeff{}")
