"""Trying until it is certain how a request ended, on requests without a key."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.core.errors import ConflictingState, LostRace, NotFound, OutcomeUnknown
from chalicelib.domain.core.periods import DAY_MS
from chalicelib.services.context import Context
from chalicelib.services.core.idempotency import MAX_TRIES
from chalicelib.services.core.retry_until_known import settle
from chalicelib.store.core.outcomes import Busy, Unknown
from chalicelib.store.core.table import Table
from tests.api.conftest import Site, site
from tests.pipeline import plant as plants

__all__ = ["site"]


@pytest.fixture
def context() -> Context:
    return plants.build(1).context


class Attempts:
    """An attempt that meets one thing after the other; a text is what it returns."""

    def __init__(self, *met: Any) -> None:
        self.met, self.made = list(met), 0

    def __call__(self) -> str:
        self.made += 1
        met = self.met.pop(0) if len(self.met) > 1 else self.met[0]
        if isinstance(met, Exception):
            raise met
        return str(met)


LOST = Unknown("not answered")


@pytest.mark.parametrize(
    "met",
    [
        (LostRace("met"), "done"),
        (LOST, "done"),
        (LOST, Busy("throttled"), LostRace("met"), "done"),
    ],
)
def test_an_unknown_outcome_is_retried_until_known(context: Context, met: tuple[Any, ...]) -> None:
    attempts = Attempts(*met)
    assert settle(context, attempts) == "done"
    assert attempts.made == len(met)


def test_a_first_refusal_is_final(context: Context) -> None:
    attempts = Attempts(LostRace("met"), NotFound("There is none."))
    with pytest.raises(NotFound):
        settle(context, attempts)
    assert attempts.made == 2


@pytest.mark.parametrize("refusal", [NotFound("There is none."), LostRace("met"), LOST, Busy("throttled")])
def test_after_a_write_that_was_not_answered_only_a_success_is_certain(context: Context, refusal: Exception) -> None:
    with pytest.raises(OutcomeUnknown):
        settle(context, Attempts(LOST, refusal))


def test_a_refusal_that_excludes_the_write_is_certain(context: Context) -> None:
    with pytest.raises(ConflictingState):
        settle(context, Attempts(LOST, ConflictingState("It has ended.", code="ended")), final=("ended",))
    with pytest.raises(OutcomeUnknown):
        settle(context, Attempts(LOST, ConflictingState("It has ended.", code="other")), final=("ended",))


def test_races_without_end_are_races(context: Context) -> None:
    attempts = Attempts(LostRace("met"))
    with pytest.raises(LostRace):
        settle(context, attempts)
    assert attempts.made == MAX_TRIES


def test_an_invite_that_expires_under_way_is_not_refused_and_then_redeemed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Test that the write's condition is on the moment at which it was made, so that it still holds on arrival."""
    anna, bob = site.key("anna"), site.key("bob")
    code = site.post("/invite", {"days": 1}, key=anna).json["code"]
    site.world.sleep(DAY_MS / 1000 - 1)
    real, late = Table.transact, list[Any]()

    def unanswered(table: Table, writes: Any) -> None:
        if late:
            real(table, writes)
            return
        late.append(writes)
        site.world.sleep(5)
        raise Unknown("timeout")

    with monkeypatch.context() as patch:
        patch.setattr(Table, "transact", unanswered)
        response = site.post("/invite/redeem", {"code": code}, key=bob)
    assert (response.status, response.json["code"]) == (503, "outcome_unknown")
    real(site.context.table, late[0])
    again = site.post("/invite/redeem", {"code": code}, key=bob)
    assert (again.status, again.json["code"]) == (409, "already_redeemed")
