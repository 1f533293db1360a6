"""A subject is a kind and an id; players sort by subject as by id."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.core.subjects import Subject, is_subject, parse_subject, player_of, player_subject

ids = st.text("AZaz09._:@-", min_size=1, max_size=128)


@given(ids)
def test_a_players_subject_is_valid_and_names_the_player(player: str) -> None:
    subject = msgspec.convert(player_subject(player), Subject)
    assert is_subject(subject)
    assert parse_subject(subject) == ("player", player)
    assert player_of(subject) == player


@given(st.lists(ids))
def test_players_sort_by_subject_as_by_id(players: list[str]) -> None:
    assert sorted(map(player_subject, players)) == [player_subject(player) for player in sorted(players)]


def test_the_kind_ends_at_the_first_colon() -> None:
    assert parse_subject("team:red") == ("team", "red")
    assert parse_subject("player:team:red") == ("player", "team:red")
    assert player_of("player:team:red") == "team:red"
    assert player_of("team:player:red") is None


@pytest.mark.parametrize(
    "text", ["ada", ":ada", "player:", "Team:red", "team2:red", "team:r d", "team:red\n", "t" * 17 + ":a"]
)
def test_other_texts_are_no_subjects(text: str) -> None:
    assert not is_subject(text)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Subject)
