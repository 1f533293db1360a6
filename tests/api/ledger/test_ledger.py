"""Tests of balance, history and statement over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.services.core.cursors import cursor_of
from chalicelib.services.identity.owners import find_owner
from chalicelib.services.ledger import read_statement as statements
from chalicelib.services.progress import create_key
from tests.api.conftest import Site
from tests.api.ledger.bank import Bank


@pytest.fixture
def bank(site: Site) -> Bank:
    return Bank(site)


def test_a_balance(bank: Bank) -> None:
    assert bank.get("/balance") == {"asset": "tokens", "balance": 200, "held": 0, "available": 200}
    assert bank.get("/balance?asset=coins") == {"asset": "coins", "balance": 0, "held": 0, "available": 0}
    refused = bank.site.get("/balance?asset=gold", bank.keys["anna"])
    assert (refused.status, refused.json["parameter"]) == (400, "asset")


def test_history_from_both_sides(bank: Bank) -> None:
    first, second = bank.send(50, note="Lunch"), bank.send(20, "bob", "anna")
    sent = {"id": first, "from": "anna", "to": "bob", "amount": 50, "note": "Lunch"}
    back = {"id": second, "from": "bob", "to": "anna", "amount": 20}
    for player, direction, other in (("anna", "sent", "received"), ("bob", "received", "sent")):
        shown = bank.get("/transfer", player)
        assert [set(each) - {"createdAt"} for each in shown["transfers"]] == [
            {*back, "direction"},
            {*sent, "direction"},
        ]
        assert shown["transfers"][1].items() >= (sent | {"direction": direction}).items()
        assert shown["transfers"][0].items() >= (back | {"direction": other}).items()
        assert shown["cursor"] is None
    assert [each["id"] for each in bank.get("/transfer?direction=sent")["transfers"]] == [first]
    assert [each["id"] for each in bank.get("/transfer?direction=received")["transfers"]] == [second]


def test_history_page_by_page(bank: Bank) -> None:
    made = []
    for number in range(1, 8):
        made.append(bank.send(number))
        bank.grant(1)
    for direction in ("all", "sent"):
        shown, cursor = [], ""
        while cursor is not None:
            page = bank.get(f"/transfer?direction={direction}&limit=3&cursor={cursor}")
            assert len(page["transfers"]) <= 3
            shown += [each["id"] for each in page["transfers"]]
            cursor = page["cursor"]
        assert shown == made[::-1]
    assert bank.get("/transfer?direction=received") == {"transfers": [], "cursor": None}
    assert bank.get("/transfer?limit=7")["cursor"] is None
    for wrong in ("limit=0", "limit=101", "direction=both", "cursor=x"):
        assert bank.site.get(f"/transfer?{wrong}", bank.keys["anna"]).status == 400


def test_a_filtered_page_among_many_credits_is_short(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.services.ledger.read_transfers.QUERIED", 2)
    monkeypatch.setattr("chalicelib.services.ledger.read_transfers.MAX_QUERIES", 2)
    made = bank.send(5)
    for _ in range(6):
        bank.grant(1)
    page = bank.get("/transfer")
    assert page["transfers"] == []
    page = bank.get(f"/transfer?cursor={page['cursor']}")
    assert [each["id"] for each in page["transfers"]] == [made]


@pytest.mark.parametrize("how", [{"private": {"BOOL": True}}, {"hidden": {"BOOL": True}}, {"display_name": {"S": ""}}])
def test_an_unlisted_player_is_named_by_public_id(bank: Bank, how: dict[str, Any]) -> None:
    """A player without a name too: otherwise a token sent to an entry of a board would reveal the player's id."""
    bank.send(50)
    owner = find_owner(bank.site.context, "bob")
    bank.site.change_identity("bob", **how)
    assert bank.get("/transfer")["transfers"][0]["to"] == owner.public
    assert bank.get("/transfer", "bob")["transfers"][0]["to"] == "bob"
    assert bank.get("/statement")["postings"][0]["other"] == owner.public
    assert bank.get("/players/anna/statement", "root")["postings"][0]["other"] == "bob"
    bank.site.context.table.delete(("PLAYER#bob", "IDENTITY"))
    assert bank.get("/transfer")["transfers"][0]["to"] == owner.public


def test_a_statement(bank: Bank) -> None:
    sent = bank.send(50, note="Lunch")
    burnt = bank.grant(-30, reason="Oops")
    bank.correct(sent, reason="By mistake")
    lines = bank.get("/statement")["postings"]
    assert [(line["kind"], line["amount"], line["other"], line["balanceAfter"]) for line in lines] == [
        ("correction", 50, "bob", 170),
        ("grant", -30, "@burn", 120),
        ("transfer", -50, "bob", 150),
        ("grant", 200, "@mint", 200),
    ]
    assert (lines[0]["corrects"], lines[0]["reason"]) == (sent, "By mistake")
    assert (lines[1]["id"], lines[1]["reason"]) == (burnt, "Oops")
    assert lines[2]["note"] == "Lunch"
    assert bank.get("/statement?asset=coins") == {"asset": "coins", "postings": [], "cursor": None}
    assert bank.get("/players/anna/statement", "root")["postings"] == lines
    assert bank.site.get("/players/nobody/statement", bank.keys["root"]).status == 404
    assert bank.site.get("/players/bob/statement", bank.keys["anna"]).status == 403


def test_a_payment_of_rules_shows_its_causes(bank: Bank) -> None:
    bank.site.post("/awards", {"player": "anna", "points": 500, "reason": "Great"}, bank.keys["root"])
    bank.site.work()
    line = bank.get("/statement")["postings"][0]
    assert (line["kind"], line["other"]) == ("rule", "@mint")
    assert line["causes"]


def statement(bank: Bank, limit: int, between: Any = lambda: None) -> list[tuple[int, int]]:
    found, cursor = [], ""
    while cursor is not None:
        page = bank.get(f"/statement?limit={limit}&cursor={cursor}")
        found += [(line["amount"], line["balanceAfter"]) for line in page["postings"]]
        cursor = page["cursor"]
        between()
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("apart", [0, 90])
def test_balances_of_a_statement_are_exact_page_by_page(bank: Bank, limit: int, apart: int) -> None:
    for amount in (10, -20, 30, 5, -1):
        bank.world.sleep(apart)
        bank.grant(amount)
    expected = [(-1, 224), (5, 225), (30, 220), (-20, 190), (10, 210), (200, 200)]
    assert statement(bank, limit) == expected
    newer = iter(range(50))
    assert statement(bank, limit, lambda: bank.grant(7) if next(newer) else None) == expected


def late(bank: Bank, amount: int, age_ms: int) -> None:
    """Commit a grant now, with an id of an earlier moment."""
    now = bank.world.now_ms
    bank.site.context.now_ms = lambda: now() - age_ms
    bank.grant(amount)
    bank.site.context.now_ms = now


def test_a_transfer_that_comes_between_two_pages_below_the_cursor(bank: Bank) -> None:
    """Its id is older than those already shown: the rest of the statement counts it and still ends at 0."""
    bank.world.sleep(90)
    for amount in (1, 2, 3, 4):
        bank.grant(amount)
        bank.world.sleep(1)
    first = bank.get("/statement?limit=2")
    assert [line["balanceAfter"] for line in first["postings"]] == [210, 206]
    late(bank, 1000, 3_500)
    second = bank.get(f"/statement?limit=50&cursor={first['cursor']}")
    shown = [(line["amount"], line["balanceAfter"]) for line in second["postings"]]
    assert shown == [(2, 1203), (1000, 1201), (1, 201), (200, 200)]


def test_a_statement_read_while_others_write(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write between the reads of account and postings is in both or in none."""
    real, left = statements.load_account, [0, 1, 1]

    def load(*arguments: Any) -> Any:
        amount = left.pop()
        if amount:
            bank.grant(5)
        found = real(*arguments)
        if amount:
            bank.grant(-5)
        return found

    monkeypatch.setattr(statements, "load_account", load)
    found = bank.get("/statement")["postings"]
    assert [line["balanceAfter"] for line in found] == [200, 205, 200, 205, 200]


def test_a_statement_of_an_account_that_changes_all_the_time(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    real = statements.load_account

    def load(*arguments: Any) -> Any:
        bank.grant(1)
        return real(*arguments)

    monkeypatch.setattr(statements, "load_account", load)
    assert bank.site.get("/statement", bank.keys["anna"]).status == 503


@pytest.mark.parametrize("text", ["x", "", "é", "MTIz", "~", "A" * 160])
def test_a_cursor_that_no_response_gave_is_refused(bank: Bank, text: str) -> None:
    answer = bank.site.get(f"/statement?cursor={text}", bank.keys["anna"])
    assert answer.status == (200 if text == "" else 400)


def test_a_cursor_that_lies_behind_its_own_page_is_refused(bank: Bank) -> None:
    for since in ("f" * 37, "f" * 11):
        answer = bank.site.get(f"/statement?cursor={cursor_of('0' * 37, since, 5)}", bank.keys["anna"])
        assert (answer.status, answer.json.get("parameter")) == (400, "cursor")


def test_no_player_is_taken_for_a_system_account(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The player id `@rewards` was once possible: a transfer of such a player is no reward."""
    site.key("anna")
    with monkeypatch.context() as before:
        before.setattr(create_key, "is_player_id", lambda _: True)
        sender = site.key("@rewards")
    site.fund("@rewards", 5)
    sent = site.post("/transfer", {"to": "anna", "amount": 5, "idempotencyKey": "k"}, sender)
    assert sent.json["transfer"]["from"] == "@rewards"
    public, anna = find_owner(site.context, "@rewards").public, site.key("anna")
    assert site.get("/transfer", anna).json["transfers"][0]["from"] == public
    assert site.get("/statement", anna).json["postings"][0]["other"] == public
    assert site.get("/players/anna/statement", site.key("root", "admin")).json["postings"][0]["other"] == public
