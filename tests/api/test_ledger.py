"""Balance, history, statement, grants and corrections over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.services import read_statement as statements
from chalicelib.services.accounts import find_owner
from chalicelib.store import keys
from chalicelib.store.models import AuditItem
from tests.api.conftest import Site
from tests.api.http import Answer
from tests.pipeline.plant import TABLE

REPLAYED = "Idempotency-Replayed"


class Bank:
    """Anna with 200 tokens, Bob, and an admin called root."""

    def __init__(self, site: Site) -> None:
        self.site, self.world = site, site.world
        self.keys = {"anna": site.key("anna"), "bob": site.key("bob"), "root": site.key("root", "admin")}
        self.made = 0
        self.grant(200, "anna")

    def get(self, path: str, who: str = "anna") -> Any:
        answer = self.site.get(path, self.keys[who])
        assert answer.status == 200, answer.text
        return answer.json

    def post(self, path: str, who: str, **body: Any) -> Answer:
        return self.site.post(path, body, self.keys[who])

    def send(self, amount: int, who: str = "anna", to: str = "bob", **more: Any) -> str:
        self.made += 1
        self.world.sleep(7)
        answer = self.post("/transfer", who, to=to, amount=amount, idempotencyKey=f"t{self.made}", **more)
        assert answer.status == 200, answer.text
        return str(answer.json["transfer"]["id"])

    def try_grant(self, **changes: Any) -> Answer:
        self.world.sleep(0.002)
        body = {"player": "anna", "asset": "tokens", "amount": 100, "reason": "Fair", "idempotencyKey": "g"}
        return self.post("/admin/grants", "root", **(body | changes))

    def grant(self, amount: int, player: str = "anna", **more: Any) -> str:
        self.made += 1
        answer = self.try_grant(**{"player": player, "amount": amount, "idempotencyKey": f"n{self.made}"} | more)
        assert answer.status == 200, answer.text
        return str(answer.json["transfer"]["id"])

    def correct(self, id_: str, **more: Any) -> Answer:
        self.world.sleep(0.002)
        return self.post("/admin/corrections", "root", transferId=id_, **more)

    def balance(self, player: str, asset: str = "tokens") -> int:
        return int(self.get(f"/balance?asset={asset}", player)["balance"])

    def audit(self) -> list[AuditItem]:
        rows = self.world.dynamodb.tables[TABLE].rows
        return [AuditItem.from_raw_data(row[0]) for (pk, _), row in sorted(rows.items()) if pk.startswith("AUDIT#")]


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
        seen, cursor = [], ""
        while cursor is not None:
            page = bank.get(f"/transfer?direction={direction}&limit=3&cursor={cursor}")
            assert len(page["transfers"]) <= 3
            seen += [each["id"] for each in page["transfers"]]
            cursor = page["cursor"]
        assert seen == made[::-1]
    assert bank.get("/transfer?direction=received") == {"transfers": [], "cursor": None}
    assert bank.get("/transfer?limit=7")["cursor"] is None or not bank.get("/transfer?limit=7")["transfers"][7:]
    for wrong in ("limit=0", "limit=101", "direction=both", "cursor=x"):
        assert bank.site.get(f"/transfer?{wrong}", bank.keys["anna"]).status == 400


def test_who_sends_little_among_many_credits_gets_a_short_page(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.services.read_transfers.QUERIED", 2)
    monkeypatch.setattr("chalicelib.services.read_transfers.MAX_QUERIES", 2)
    made = bank.send(5)
    for _ in range(6):
        bank.grant(1)
    page = bank.get("/transfer")
    assert page["transfers"] == []
    page = bank.get(f"/transfer?cursor={page['cursor']}")
    assert [each["id"] for each in page["transfers"]] == [made]


@pytest.mark.parametrize("how", ["private", "hidden"])
def test_who_is_not_shown_is_named_by_public_id(bank: Bank, how: str) -> None:
    bank.send(50)
    owner = find_owner(bank.site.context, "bob")
    bank.site.change_identity("bob", **{how: {"BOOL": True}})
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


def test_what_rules_paid_is_told_with_its_causes(bank: Bank) -> None:
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
    wanted = [(-1, 224), (5, 225), (30, 220), (-20, 190), (10, 210), (200, 200)]
    assert statement(bank, limit) == wanted
    newer = iter(range(50))
    assert statement(bank, limit, lambda: bank.grant(7) if next(newer) else None) == wanted


def late(bank: Bank, amount: int, age_ms: int) -> None:
    """A transfer that is committed only now, though its id was made earlier."""
    now = bank.world.now_ms
    bank.site.context.now_ms = lambda: now() - age_ms
    bank.grant(amount)
    bank.site.context.now_ms = now


def test_a_transfer_that_comes_between_two_pages_below_the_cursor(bank: Bank) -> None:
    """Its id is older than those already shown: the rest of the statement counts it, and ends at 0 all the same."""
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
    """What is written between the readings of account and postings is in both or in none."""
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


def test_an_account_that_never_rests(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    real = statements.load_account

    def load(*arguments: Any) -> Any:
        bank.grant(1)
        return real(*arguments)

    monkeypatch.setattr(statements, "load_account", load)
    assert bank.site.get("/statement", bank.keys["anna"]).status == 503


@pytest.mark.parametrize("text", ["x", "", "é", "MTIz", "~", "A" * 160])
def test_a_cursor_that_no_answer_gave(bank: Bank, text: str) -> None:
    answer = bank.site.get(f"/statement?cursor={text}", bank.keys["anna"])
    assert answer.status == (200 if text == "" else 400)


# Grants ------------------------------------------------------------------------------------------------------------


def test_a_grant_and_its_replay(bank: Bank) -> None:
    first = bank.try_grant()
    transfer = first.json["transfer"]
    assert first.json == {"success": True, "transfer": transfer, "balance": 300}
    assert transfer.items() >= {"player": "anna", "asset": "tokens", "amount": 100, "reason": "Fair"}.items()
    assert set(transfer) == {"id", "player", "asset", "amount", "reason", "createdAt"}
    again = bank.try_grant()
    assert (again.text, again.headers[REPLAYED]) == (first.text, "true")
    assert bank.try_grant(amount=101).json["code"] == "idempotency_conflict"
    assert bank.balance("anna") == 300


def test_burning(bank: Bank) -> None:
    assert bank.try_grant(amount=-150).json["balance"] == 50
    refused = bank.try_grant(amount=-51, idempotencyKey="g2")
    assert refused.status == 400
    assert refused.json.items() >= {"code": "insufficient_balance", "balance": 50, "requested": 51}.items()
    bank.grant(1000)
    again = bank.try_grant(amount=-51, idempotencyKey="g2")
    assert (again.text, again.headers[REPLAYED]) == (refused.text, "true")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": 0}, 400, "amount_out_of_range"),
        ({"amount": 10**12 + 1}, 400, "amount_out_of_range"),
        ({"amount": -(10**12) - 1}, 400, "amount_out_of_range"),
        ({"amount": 1.0}, 400, "invalid_request"),
        ({"amount": True}, 400, "invalid_request"),
        ({"asset": "gold"}, 400, "invalid_request"),
        ({"reason": ""}, 400, "invalid_request"),
        ({"reason": "x" * 201}, 400, "invalid_request"),
        ({"reason": "a\u0000"}, 400, "invalid_request"),
        ({"player": "nobody"}, 404, "not_found"),
        ({"player": "no body"}, 404, "not_found"),
        ({"extra": 1}, 400, "invalid_request"),
    ],
)
def test_grants_that_are_refused(bank: Bank, changes: Any, status: int, code: str) -> None:
    answer = bank.try_grant(**changes)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert bank.balance("anna") == 200
    assert bank.try_grant().status == 200


def test_a_balance_has_a_top(bank: Bank) -> None:
    key = keys.account(find_owner(bank.site.context, "anna").account, "tokens")
    item = bank.site.context.table.get(key) or {}
    bank.site.context.table.put(item | {"balance": {"N": str(2**53 - 101)}, "available": {"N": str(2**53 - 101)}})
    assert bank.try_grant(amount=100).status == 200
    refused = bank.try_grant(amount=1, idempotencyKey="g2")
    assert (refused.status, refused.json["code"]) == (409, "balance_limit")


def test_who_was_erased_is_granted_nothing(bank: Bank) -> None:
    owner = find_owner(bank.site.context, "anna")
    key = keys.account(owner.account, "tokens")
    bank.site.context.table.put((bank.site.context.table.get(key) or {}) | {"closed": {"N": "1"}})
    assert bank.try_grant().status == 404


def test_a_grant_costs_five_items_and_is_on_record(bank: Bank) -> None:
    made = bank.grant(100, reason="Won")
    row = bank.audit()[-1]
    assert (row.what, row.by, row.about, row.address) == ("grant", "root", "anna", "203.0.113.7")
    assert bank.keys["root"].startswith(row.key)
    assert row.details == {"asset": "tokens", "amount": 100, "reason": "Won"}
    assert row.sk.endswith(f"#{made}")
    bank.try_grant(amount=-10_000)
    bank.try_grant(amount=-10_000)
    assert len(bank.audit()) == 2


# Corrections -------------------------------------------------------------------------------------------------------


def test_a_correction_and_its_replay(bank: Bank) -> None:
    sent = bank.send(50)
    first = bank.correct(sent, reason="By mistake")
    transfer = first.json["transfer"]
    assert first.json == {"success": True, "transfer": transfer}
    told = {"corrects": sent, "asset": "tokens", "from": "bob", "to": "anna", "amount": 50, "reason": "By mistake"}
    assert transfer == told | {"id": transfer["id"], "createdAt": transfer["createdAt"]}
    assert (bank.balance("anna"), bank.balance("bob")) == (200, 0)
    for again in (bank.correct(sent, reason="By mistake"), bank.correct(sent), bank.correct(sent, reason="Other")):
        assert (again.status, again.text, again.headers[REPLAYED]) == (200, first.text, "true")
    assert REPLAYED not in first.headers
    assert (bank.balance("anna"), bank.balance("bob")) == (200, 0)
    row = bank.audit()[-1]
    assert (row.what, row.by, row.about) == ("correction", "root", "anna")
    assert row.details == {"transferId": sent, "asset": "tokens", "amount": 50, "reason": "By mistake"}
    assert len(bank.audit()) == 2


def test_every_kind_can_be_corrected(bank: Bank) -> None:
    minted, burnt = bank.grant(40, asset="coins"), bank.grant(-15, asset="coins")
    assert bank.correct(burnt).json["transfer"].items() >= {"from": "@burn", "to": "anna", "asset": "coins"}.items()
    assert bank.balance("anna", "coins") == 40
    taken = bank.correct(minted).json["transfer"]
    assert (taken["from"], taken["to"], bank.balance("anna", "coins")) == ("anna", "@mint", 0)
    given = bank.correct(taken["id"]).json["transfer"]
    assert (given["from"], given["to"], given["corrects"]) == ("@mint", "anna", taken["id"])
    assert bank.balance("anna", "coins") == 40


def test_a_correction_of_a_correction_between_players(bank: Bank) -> None:
    back = bank.correct(bank.send(50)).json["transfer"]["id"]
    again = bank.correct(back).json["transfer"]
    assert (again["from"], again["to"]) == ("anna", "bob")
    assert (bank.balance("anna"), bank.balance("bob")) == (150, 50)


@pytest.mark.parametrize("id_", ["x", "0" * 37, "0" * 36, "0" * 64])
def test_what_never_was_cannot_be_corrected(bank: Bank, id_: str) -> None:
    assert bank.correct(id_).status == 404
    assert bank.correct(bank.send(1)[:-10] + "0" * 10).status == 404


def test_what_is_spent_may_be_corrected_later(bank: Bank) -> None:
    sent = bank.send(50)
    bank.send(20, "bob", "anna")
    refused = bank.correct(sent)
    assert refused.status == 400
    assert refused.json.items() >= {"code": "insufficient_balance", "balance": 30, "requested": 50}.items()
    bank.send(20)
    assert bank.correct(sent).status == 200
    assert (bank.balance("anna"), bank.balance("bob")) == (200, 0)


def test_who_was_erased_gets_nothing_back(bank: Bank) -> None:
    sent = bank.send(50)
    key = keys.account(find_owner(bank.site.context, "anna").account, "tokens")
    bank.site.context.table.put((bank.site.context.table.get(key) or {}) | {"closed": {"N": "1"}})
    assert bank.correct(sent).json["code"] == "account_closed"


def test_a_public_id_that_is_somebody_elses_id(bank: Bank) -> None:
    public = find_owner(bank.site.context, "anna").public
    bank.site.key(public)
    assert bank.correct(bank.send(50)).status == 200
