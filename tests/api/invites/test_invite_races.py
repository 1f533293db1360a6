"""Tests of two requests about invites: all interleavings in which one stops at a call while the other runs to its end.

The stopped call then succeeds, is refused, gets no response, or its process dies. A client without a response retries.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.domain.core.errors import LaurelError, OutcomeUnknown
from chalicelib.services.core.outbox import sweep_outbox
from chalicelib.services.identity.authenticate import Caller, authenticate
from chalicelib.services.invites.create_invite import InviteMade, InviteRequest, create_invite
from chalicelib.services.invites.redeem_invite import RedeemInvite, redeem_invite
from chalicelib.services.invites.revoke_invite import revoke_invite
from chalicelib.services.invites.rotate_invite import RotateRequest, rotate_invite
from tests.api.conftest import Site
from tests.boards.turns import ENDINGS, Strand, taking_turns
from tests.simulated.savepoint import Savepoint

TABLE = "laurel-sim"
UNTOLD = "untold"
Act = Callable[[], Any]


class Recorder:
    """A queue and a bus that record the ids of sent events."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def send(self, queue: str, bodies: Sequence[str]) -> None:
        self.events += [json.loads(body)["id"] for body in bodies]

    def publish(self, domain_events: Sequence[Any]) -> None:
        pass


class Stage:
    """Players with an invite each, and a savepoint of their first state."""

    def __init__(self, site: Site, uses: int) -> None:
        self.site, self.context = site, site.context
        self.callers: dict[str, Caller] = {
            name: authenticate(site.context, site.key(name)) for name in ("anna", "bob", "cleo", "dora")
        }
        self.invites: dict[str, InviteMade] = {
            name: create_invite(site.context, self.callers[name], InviteRequest(uses)) for name in ("anna", "bob")
        }
        self.sent = Recorder()
        self.saved = Savepoint(site.world.dynamodb.tables[TABLE])

    def restart(self) -> None:
        self.saved.restore()
        self.context.queues = self.context.bus = self.sent = Recorder()  # type: ignore[assignment]

    def redeem(self, name: str, **sent: str) -> Act:
        return lambda: redeem_invite(self.context, self.callers[name], RedeemInvite(**sent))

    def rows(self, kind: str) -> list[dict[str, Any]]:
        found = self.site.world.dynamodb.tables[TABLE].rows
        items = [self.context.table.get(key) for key in found if key[0].startswith(f"{kind}#")]
        return [item for item in items if item]

    def referrals(self) -> int:
        """Return the present number of referrals."""
        return sum(pk.startswith("REFERRAL#") for pk, _ in self.site.world.dynamodb.tables[TABLE].rows)

    def check(self) -> None:
        """Check the invariants of invites."""
        self.site.world.sleep(31)
        assert not sweep_outbox(self.context).failed
        referrals, invites = self.rows("REFERRAL"), self.rows("INVITE")
        assert len(set(self.sent.events)) == len(referrals)
        by = Counter(row["referrer"]["S"] for row in referrals)
        for invite in invites:
            used = int(invite["used"]["N"])
            assert used <= int(invite["uses"]["N"])
            assert used == (by[invite["account"]["S"]] if len(invites) <= len(self.invites) else 0)
        digests = {row["pk"]["S"].removeprefix("INVITE_TOKEN#") for row in self.rows("INVITE_TOKEN")}
        assert digests == {invite["digest"]["S"] for invite in invites}
        listed = [code for row in self.rows("INVITES") for code in json.loads(row["codes"]["S"])]
        assert sorted(listed) == sorted(invite["pk"]["S"].removeprefix("INVITE#") for invite in invites)


def outcome(act: Act) -> str:
    """Return `ok`, or the code of the refusal. A client retries when the outcome is unknown."""
    try:
        act()
    except OutcomeUnknown:
        return outcome(act)
    except LaurelError as refusal:
        return refusal.code
    return "ok"


def interleavings(stage: Stage, first: Act, second: Act) -> Iterator[tuple[str, str, str]]:
    """Yield (ending of the stopped call, outcome of the first request, of the second) for every place to stop at.

    The outcome of a first request that died is `untold`.
    """
    for ending in ENDINGS:
        stop, stopped = 0, True
        while stopped:
            stage.restart()
            with in_turns([first, second]) as (one, other):
                while not one.strand.done and one.strand.calls < stop:
                    one.strand.step()
                stopped = not one.strand.done
                other.strand.finish()
                if stopped:
                    one.strand.step(ending)
                one.strand.finish()
            yield ending, one.outcome, other.outcome
            stage.check()
            stop += 1


class Player:
    """A player with one request, in a strand of its own."""

    def __init__(self, act: Act) -> None:
        self.outcome = UNTOLD
        self.strand = Strand(lambda: self.do(act))

    def do(self, act: Act) -> None:
        self.outcome = outcome(act)


@contextmanager
def in_turns(acts: Sequence[Act]) -> Iterator[list[Player]]:
    with taking_turns():
        players = [Player(act) for act in acts]
        yield players
    for player in players:
        assert player.strand.failed is None or player.outcome == UNTOLD


def test_two_players_redeem_the_last_use(site: Site) -> None:
    stage = Stage(site, 1)
    code = stage.invites["anna"].code
    both = stage.redeem("bob", code=code), stage.redeem("cleo", code=code)
    outcomes = set()
    for ending, first, second in interleavings(stage, *both):
        outcomes.add((first, second))
        assert stage.referrals() == 1
        if first == UNTOLD:
            assert outcome(both[0]) == ("invite_used_up" if second == "ok" else "already_redeemed"), ending
    assert outcomes >= {("ok", "invite_used_up"), ("invite_used_up", "ok"), (UNTOLD, "ok"), (UNTOLD, "invite_used_up")}


def test_one_player_redeems_twice_at_once(site: Site) -> None:
    stage = Stage(site, 10)
    act = stage.redeem("bob", code=stage.invites["anna"].code)
    for _, first, second in interleavings(stage, act, act):
        assert {first, second} <= {"ok", "already_redeemed", UNTOLD}
        assert first != second
        assert stage.referrals() == 1


def test_each_redeems_the_others(site: Site) -> None:
    stage = Stage(site, 10)
    anna, bob = (
        stage.redeem(one, token=stage.invites[other].token) for one, other in (("anna", "bob"), ("bob", "anna"))
    )
    outcomes = set()
    for _, first, second in interleavings(stage, anna, bob):
        outcomes.add((first, second))
        assert stage.referrals() == 1
    assert outcomes == {("ok", "referral_cycle"), ("referral_cycle", "ok"), (UNTOLD, "ok"), (UNTOLD, "referral_cycle")}


@pytest.mark.parametrize("swapped", [False, True])
def test_a_token_is_rotated_while_it_is_redeemed(site: Site, swapped: bool) -> None:
    stage = Stage(site, 10)
    made = stage.invites["anna"]
    redeem = stage.redeem("bob", token=made.token)
    redeemed_by_then = [0]

    def rotate() -> None:
        rotate_invite(stage.context, stage.callers["anna"], RotateRequest(made.code))
        redeemed_by_then[0] = stage.referrals()

    for ending, first, second in interleavings(stage, *((rotate, redeem) if swapped else (redeem, rotate))):
        redeemed, rotated = (second, first) if swapped else (first, second)
        assert redeemed in ("ok", "unknown_invite", UNTOLD), ending
        if redeemed != UNTOLD:
            assert stage.referrals() == (redeemed == "ok")
        if rotated == "ok":
            assert redeemed_by_then[0] or redeemed != "ok"
            assert outcome(stage.redeem("cleo", token=made.token)) == "unknown_invite"


@pytest.mark.parametrize("swapped", [False, True])
def test_an_invite_is_revoked_while_it_is_redeemed(site: Site, swapped: bool) -> None:
    stage = Stage(site, 10)
    code = stage.invites["anna"].code
    redeem = stage.redeem("bob", code=code)

    def revoke() -> None:
        revoke_invite(stage.context, stage.callers["anna"], code)

    for ending, first, second in interleavings(stage, *((revoke, redeem) if swapped else (redeem, revoke))):
        redeemed, revoked = (second, first) if swapped else (first, second)
        assert redeemed in ("ok", "unknown_invite", UNTOLD), ending
        if redeemed != UNTOLD:
            assert stage.referrals() == (redeemed == "ok")
        assert revoked in ("ok", UNTOLD)
        if revoked == "ok":
            assert outcome(stage.redeem("cleo", code=code)) == "unknown_invite"
            assert len(stage.rows("INVITE")) == 1


def test_ten_attempts_fail_while_another_is_about_to_succeed(site: Site) -> None:
    """Ten failures that are counted before the redemption commits refuse it."""
    stage = Stage(site, 10)
    good, bad = stage.redeem("cleo", code=stage.invites["anna"].code), stage.redeem("cleo", code="AAAA-AAAA")

    redeemed_by_then = [0]

    def ten() -> None:
        assert [outcome(bad) for _ in range(10)] == ["unknown_invite"] * 10
        redeemed_by_then[0] = stage.referrals()

    outcomes = set()
    for _, first, _ in interleavings(stage, good, ten):
        outcomes.add((first, stage.referrals()))
        assert first == UNTOLD or redeemed_by_then[0] == (first == "ok")
    assert outcomes == {("ok", 1), ("rate_limited", 0), (UNTOLD, 0), (UNTOLD, 1)}


def test_two_rotations_race_a_revocation(site: Site) -> None:
    stage = Stage(site, 10)
    made, caller = stage.invites["anna"], stage.callers["anna"]

    def rotate() -> None:
        rotate_invite(stage.context, caller, RotateRequest(made.code))

    def revoke() -> None:
        revoke_invite(stage.context, caller, made.code)

    for _, first, second in interleavings(stage, rotate, rotate):
        assert {first, second} <= {"ok", UNTOLD}
    for _, first, second in interleavings(stage, rotate, revoke):
        assert first in ("ok", "unknown_invite", UNTOLD)
        assert second == "ok"
    for _, first, second in interleavings(stage, revoke, revoke):
        assert "ok" in (first, second)
        assert len(stage.rows("INVITE")) == 1


def test_two_requests_create_the_twentieth_invite(site: Site) -> None:
    stage = Stage(site, 10)
    for _ in range(18):
        create_invite(stage.context, stage.callers["anna"], InviteRequest())
    stage.saved = Savepoint(site.world.dynamodb.tables[TABLE])

    def create() -> None:
        create_invite(stage.context, stage.callers["anna"], InviteRequest())

    for _, first, second in interleavings(stage, create, create):
        assert sorted((first, second))[-1] in ("too_many_invites", UNTOLD)
        assert len(stage.rows("INVITE")) == 21
