"""Awards: points outside the formula, within bounds; manual decisions on badges."""

from __future__ import annotations

import pytest

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.progress import scores as boards
from tests.domain.progress.desk import DAY, NOON, Desk


def give(desk: Desk, points: int, **data: object) -> object:
    desk.now_ms += 1
    return desk.send("award", data={"points": points, "reason": "r", **data})


def test_points_go_straight_to_xp_and_boards(desk: Desk) -> None:
    entry = desk.send("award", data={"points": 70, "reason": "merged a fix", "grantedBy": "carl", "public": False})
    assert entry.paid["award"] == 70
    assert (entry.note, entry.by, entry.public) == ("merged a fix", "carl", False)
    player = desk.player()
    assert (player.award_xp, player.xp, player.counters["award"]) == (70, 70 + 25, 1)
    scores = boards.scores(player, [NOON // DAY], desk.rules)
    assert {scores[name][0] for name in ("global#all", "daily#2026-05-19", "weekly#2026-W21")} == {95}
    assert player.streak.years == {}
    assert player.day_stats.count == 0


@pytest.mark.parametrize(("points", "accepted"), [(10_000, True), (10_001, False), (-10_000, True), (-10_001, False)])
def test_bounds_of_one_award(desk: Desk, points: int, accepted: bool) -> None:
    assert desk.outcome(desk.event("award", data={"points": points, "reason": "r"})) == (
        "applied" if accepted else "rejected"
    )


def test_a_rejected_award_changes_nothing(desk: Desk) -> None:
    give(desk, 1)
    before = desk.observed()
    with pytest.raises(RejectedEvent, match="-10000 to 10000") as caught:
        give(desk, 10_001)
    assert caught.value.reason == "award_out_of_range"
    assert desk.observed() == before
    assert desk.granted == {("gateway/eu-1", NOON // DAY): 1}


def test_a_granter_has_50_000_absolute_points_a_day_of_receipt(desk: Desk) -> None:
    for points in (10_000, -10_000, 10_000, -10_000, 9_999):
        give(desk, points, grantedBy="carl")
    with pytest.raises(RejectedEvent, match="may grant 1 more of 50000") as caught:
        give(desk, -2, grantedBy="carl")
    assert caught.value.reason == "award_over_daily_bound"
    give(desk, 1, grantedBy="carl")
    give(desk, 5, grantedBy="dora")
    give(desk, 5)
    desk.now_ms += DAY
    give(desk, 10_000, grantedBy="carl")
    assert desk.granted[("carl", NOON // DAY)] == 50_000
    assert desk.granted[("gateway/eu-1", NOON // DAY)] == 5, "without grantedBy it is the source"


def test_the_bound_holds_over_all_players(desk: Desk) -> None:
    for number in range(5):
        desk.send("award", player=f"p{number}", data={"points": 10_000, "reason": "r", "grantedBy": "carl"})
    outcome = desk.outcome(desk.event("award", player="p9", data={"points": 1, "reason": "r", "grantedBy": "carl"}))
    assert outcome == "rejected"


def test_an_award_counted_at_acceptance_is_not_counted_again(desk: Desk) -> None:
    for number in range(6):
        give(desk, 10_000, grantedBy="carl", key=f"k{number}", reserved=True)
    give(desk, 10_000, grantedBy="carl")
    assert desk.player().award_xp == 70_000
    assert desk.granted == {("carl", NOON // DAY): 10_000}


def test_an_accepted_award_is_its_granters_own(desk: Desk) -> None:
    for granter in ("carl", "dora"):
        give(desk, 5, grantedBy=granter, key="k", reserved=True)
    give(desk, 5, grantedBy="carl", key="k")
    assert desk.player().award_xp == 15
    assert (
        desk.outcome(desk.event("award", data={"points": 5, "reason": "r", "grantedBy": "dora", "key": "k"}))
        != "applied"
    )


def test_an_award_of_nothing_is_none(desk: Desk) -> None:
    with pytest.raises(RejectedEvent, match="and not 0") as caught:
        give(desk, 0)
    assert caught.value.reason == "award_out_of_range"


def test_the_signed_total_is_stored_and_reads_as_at_least_zero(desk: Desk) -> None:
    give(desk, -500)
    player = desk.player()
    assert (player.xp, player.award_xp) == (-475, -500)
    assert boards.scores(player, [NOON // DAY], desk.rules)["global#all"][0] == 0
    assert desk.rules.levels.progress(player.xp) == (0, 282)
    give(desk, 480)
    assert player.xp == 5


def test_an_award_counts_towards_badges_like_any_xp(desk: Desk) -> None:
    assert give(desk, 282).levels == (1, 2)  # type: ignore[attr-defined]


def test_the_same_key_is_the_same_award(desk: Desk) -> None:
    give(desk, 5, key="k")
    desk.now_ms += DAY
    assert desk.outcome(desk.event("award", data={"points": 7, "reason": "other", "key": "k"})) == "mismatch"
    assert desk.player().award_xp == 5


# By hand -----------------------------------------------------------------------------------------------------------


def test_a_manually_granted_badge_pays_once(desk: Desk) -> None:
    entry = desk.send("badge.granted", data={"badgeId": "generous", "decidedBy": "root"})
    assert (entry.paid["badge_earned"], entry.note, entry.by) == (50, "generous", "root"), "Early Adopter came with it"
    assert desk.player().badges["generous"].by_hand
    assert desk.send("badge.granted", data={"badgeId": "generous"}).paid == {}
    assert desk.send("badge.revoked", data={"badgeId": "generous"}).paid == {}
    assert not desk.player().holds("generous")
    assert desk.send("badge.revoked", data={"badgeId": "generous"}).badges == []
    again = desk.send("badge.granted", data={"badgeId": "generous"})
    assert (again.paid, again.badges) == ({}, [])
    assert desk.player().holds("generous")
    assert desk.player().badges["generous"].earned_at == NOON


def test_a_revoked_badge_is_not_earned_again_by_rules(desk: Desk) -> None:
    desk.send()
    desk.send("badge.revoked", data={"badgeId": "first-steps"})
    xp = desk.player().xp
    assert desk.send().badges == []
    assert (desk.player().holds("first-steps"), desk.player().xp) == (False, xp + 1)


def test_a_badge_not_earned_cannot_be_revoked(desk: Desk) -> None:
    desk.send()
    before = desk.observed()
    desk.send("badge.revoked", data={"badgeId": "generous"})
    assert desk.observed()["badges"] == before["badges"]


@pytest.mark.parametrize("type_", ["badge.granted", "badge.revoked"])
def test_an_unknown_badge_is_rejected(desk: Desk, type_: str) -> None:
    with pytest.raises(RejectedEvent, match="no badge 'nonsense'") as caught:
        desk.send(type_, data={"badgeId": "nonsense"})
    assert caught.value.reason == "unknown_badge"
