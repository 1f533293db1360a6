"""Code that reads or writes single attributes of items, which no upgrade of a schema covers.

Every such function is listed with the kinds that it concerns. Those kinds are `in_parts` and stay at schema 1.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.core.test_pinned_schemas import kinds

ROOT = Path(__file__).parent.parent.parent.parent / "chalicelib"
TYPES = {"S", "N", "B", "BOOL", "SS", "L", "M"}
# Attributes that keep name, type and meaning in every schema: keys, versions, and what the index and TTL use.
FIXED = {"pk", "sk", "v", "board", "order", "expires"}
# Rows without a kind: they have no schema either, and change only by attributes that may be absent.
NO_KIND = ""
LEDGER = {"BalanceItem", "CorrectedItem", "HoldItem", "PostingItem"}
REWARDS = {"RedeemedItem", "RedemptionItem", "StockItem"}
# Function of store -> the kinds whose attributes it reads or writes one by one.
IN_PARTS: dict[str, set[str]] = {
    "boards/archives.py:_update": {"ArchiveItem"},
    "boards/archives.py:move_cursor": {NO_KIND},
    "boards/archives.py:read_cursor": {NO_KIND},
    "boards/entries.py:entry_update": {"EntryItem"},
    "boards/entries.py:read_spots": {"EntryItem"},
    "boards/final_standings.py:tied_subjects": {"EntryItem"},
    "boards/nodes.py:node_of": {NO_KIND},
    "boards/nodes.py:node_update": {NO_KIND},
    "boards/nodes.py:stream_nodes": {NO_KIND},
    "boards/proof.py:_number": {"BoardLogItem", "EntryItem", NO_KIND},
    "boards/proof.py:_row": {"EntryItem"},
    "boards/proof.py:read_log_row": {"BoardLogItem"},
    "boards/redo_log.py:_update": {"BoardLogItem"},
    "boards/redo_log.py:finish": {"BoardLogItem"},
    "boards/tallies.py:_rows": {NO_KIND},
    "boards/tallies.py:_update": {NO_KIND},
    "events/awards.py:add_granted": {NO_KIND},
    "events/awards.py:read_granted": {NO_KIND},
    "events/backlog.py:note_received": {"ReceivedItem"},
    "events/failed_bodies.py:load_body": {NO_KIND},
    "events/failed_bodies.py:put_parts": {NO_KIND},
    "events/failed_messages.py:note_failure": {"NoteItem"},
    "events/failed_messages.py:set_aside": {"FailureItem"},
    "identity/api_keys.py:_revoke": {"KeyItem", "PlayerKeyItem"},
    "identity/api_keys.py:mark_used": {"KeyItem"},
    "identity/api_keys.py:note_key_change": {"IdentityItem"},
    "invites/invites.py:replace_token": {"InviteItem"},
    "invites/invites.py:use_invite": {"InviteItem"},
    "invites/referrals.py:count_failed": {"AttemptsItem"},
    "ledger/accounts.py:Change.add_to": {"BalanceItem"},
    "ledger/proof.py:_number": LEDGER,
    "ledger/proof.py:_text": LEDGER,
    "ledger/proof.py:read_postings": {"PostingItem"},
    "ledger/proof.py:sum_partition": {"BalanceItem", "PostingItem"},
    "operations/ledger_scan.py:scan_ledger": LEDGER | REWARDS,
    "operations/turns.py:end_turn": {NO_KIND},
    "operations/turns.py:take_turn": {NO_KIND},
    "progress/player_writes.py:_update_days": {"DaysItem"},
    "progress/player_writes.py:_update_identity": {"IdentityItem"},
    "progress/records.py:days_in": {"DaysItem"},
    "rewards/proof.py:_number": REWARDS | {"HoldItem", "PostingItem"},
    "rewards/proof.py:_redeemed": {"RedemptionItem"},
    "rewards/proof.py:_text": {"RedemptionItem"},
    "rewards/redemptions.py:add_resolution": {"RedemptionItem"},
    "rewards/rewards.py:_count_active": {NO_KIND},
    "rewards/rewards.py:_set_stock": {"StockItem"},
    "rewards/rewards.py:count_redeemed": {"RedeemedItem"},
    "rewards/rewards.py:count_rewards": {NO_KIND},
    "rewards/rewards.py:return_stock": {"StockItem"},
    "rewards/rewards.py:take_stock": {"StockItem"},
    "rewards/rewards.py:uncount_redeemed": {"RedeemedItem"},
}


def is_access(node: ast.AST) -> bool:
    """Return whether a node reads or writes single attributes: an update, a projection, a value by its type."""
    if isinstance(node, ast.Call):
        called = node.func
        if isinstance(called, ast.Name) and called.id in ("Update", "query_as", "query_all_as"):
            return True
        if not isinstance(called, ast.Attribute):
            return False
        if _last_name(called.value) in ("tx", "table", "_table"):
            return called.attr in ("update", "scan") or _projects(node)
        return called.attr == "get" and _is_type(node.args[:1]) and _inner(called)
    return isinstance(node, ast.Subscript) and _is_type([node.slice]) and not _is_fixed(node.value)


def _last_name(node: ast.expr) -> str:
    """Return `table` of both `table` and `context.table`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _projects(node: ast.Call) -> bool:
    """Return whether a query asks for attributes besides fixed ones."""
    for keyword in node.keywords:
        if keyword.arg == "attributes":
            names = {each.value for each in ast.walk(keyword.value) if isinstance(each, ast.Constant)}
            return not names or not names <= FIXED
    return False


def _is_type(nodes: list[ast.expr]) -> bool:
    return len(nodes) == 1 and isinstance(nodes[0], ast.Constant) and nodes[0].value in TYPES


def _inner(called: ast.Attribute) -> bool:
    """Return whether `.get(type)` follows `item.get(name, {})`."""
    value = called.value
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "get"


def _is_fixed(node: ast.expr) -> bool:
    """Return whether an expression is a fixed attribute of an item, or no attribute: `values[":a"]` of a request."""
    if not isinstance(node, ast.Subscript):
        return False
    name = node.slice.value if isinstance(node.slice, ast.Constant) else ""
    return name in FIXED or str(name).startswith(":")


def accesses(tree: ast.Module, module: str) -> Iterator[str]:
    for top in tree.body:
        if isinstance(top, ast.FunctionDef):
            scopes = [(top.name, top)]
        elif isinstance(top, ast.ClassDef):
            scopes = [(f"{top.name}.{each.name}", each) for each in top.body if isinstance(each, ast.FunctionDef)]
        else:
            continue
        for name, scope in scopes:
            if any(is_access(node) for node in ast.walk(scope)):
                yield f"{module}:{name}"


def found() -> set[str]:
    # The frame of all reads and writes.
    frame = {"store/core/table.py", "store/core/transaction.py", "store/core/models.py", "store/boards/bulk.py"}
    modules = {str(path.relative_to(ROOT)): path for path in sorted(ROOT.rglob("*.py"))}
    return {
        place
        for module, path in modules.items()
        if module not in frame
        for place in accesses(ast.parse(path.read_text()), module.removeprefix("store/"))
    }


def test_every_access_to_single_attributes_is_listed() -> None:
    new, gone = found() - IN_PARTS.keys(), IN_PARTS.keys() - found()
    assert not new, "read and write whole rows, with `Kind.from_raw_data` and `Kind.item`; or list the function here"
    assert not gone, "remove these from the list"


def test_the_kinds_of_such_items_stay_at_their_schema() -> None:
    listed = {kind for names in IN_PARTS.values() for kind in names} - {NO_KIND}
    assert listed == {kind.__name__ for kind in kinds() if kind.in_parts}


@pytest.mark.parametrize(
    ("line", "finds"),
    [
        ('tx.update(key, "SET a = :a")', True),
        ('table.update(key, "SET a = :a")', True),
        ('context.table.update(key, "SET a = :a")', True),
        ('Update(key, "SET a = :a")', True),
        ("table.query(pk, attributes=('sk', 'score'))", True),
        ("table.query_all(pk, attributes=DAILY_STATS)", True),
        ("query_all_as(table, Row, pk)", True),
        ('table.scan(condition, values, ("pk",))', True),
        ('item["score"]["N"]', True),
        ('item[name]["N"]', True),
        ('item.get("score", {}).get("N")', True),
        ('item["pk"]["S"]', False),
        ('int(item["v"]["N"])', False),
        ('values[":a"]["N"]', False),
        ("table.query(pk, attributes=('sk',))", False),
        ("table.put(item)", False),
        ("totals.update(other)", False),
        ("Row.from_raw_data(item).score", False),
    ],
)
def test_accesses_are_found(line: str, finds: bool) -> None:
    assert list(accesses(ast.parse(f"def f():\n    {line}"), "m")) == ["m:f"] * finds
