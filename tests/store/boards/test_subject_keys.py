"""Subjects in keys, orders and redo logs: players first, no byte more for them, every kind comes back."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.core.subjects import player_subject, subject_of
from chalicelib.store.boards import keys
from chalicelib.store.boards.entries import Entry
from chalicelib.store.boards.redo_log import Intent, pack, unpack

ids = st.text("AZaz09._:@-", min_size=1, max_size=20)
subjects = st.builds(subject_of, st.sampled_from(["player", "team", "a", "z"]), ids)


@given(subjects, subjects)
def test_short_texts_are_unique_and_come_back(one: str, other: str) -> None:
    assert keys.full_subject(keys.short_subject(one)) == one
    assert (keys.short_subject(one) == keys.short_subject(other)) is (one == other)


@given(st.lists(ids), st.lists(ids))
def test_at_one_moment_players_come_by_id_and_teams_after_them(players: list[str], teams: list[str]) -> None:
    orders = [keys.order(7, 5, player_subject(each)) for each in players]
    others = [keys.order(7, 5, subject_of("team", each)) for each in teams]
    listed = [order.split("#", 2)[2] for order in sorted([*orders, *others])]
    assert listed == [*sorted(players), *(f"~team:{each}" for each in sorted(teams))]


def test_orders_of_any_kind_lie_between_the_texts_of_scores_and_moments() -> None:
    for subject in ("player:-", "player:zz", "team:red"):
        order = keys.order(7, 5, subject)
        assert keys.order_score(7) < keys.order_since(7, 5) < order < keys.order_since(7, 6) < keys.order_score(6)
        assert keys.spot_of(order) == (7, 5)


def test_an_intent_holds_players_by_id_alone() -> None:
    entries = [Entry(subject, 1, 7, 5, 1, "Beginner", "p") for subject in ("player:ada", "player:team:red", "team:red")]
    intent = Intent(1, entries, {}, 5)
    packed = pack(intent)
    assert [entry.subject for entry in intent.entries] == ["player:ada", "player:team:red", "team:red"]
    assert unpack(packed) == intent
    raw = zlib.decompress(packed)
    assert (b"player:" in raw, b"~team:red" in raw) == (False, True)
