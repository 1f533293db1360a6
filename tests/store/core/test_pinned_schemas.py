"""Pinned schemas: the form of every kind's items is known, and changes only with a new schema."""

from __future__ import annotations

import json
from hashlib import blake2b
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import msgspec
import pytest
from pynamodb.attributes import Attribute, NumberAttribute, UnicodeAttribute

import chalicelib.store
from chalicelib.store.core.codecs import Json
from chalicelib.store.core.models import SCHEMA, Kind
from tests.store.core.test_schemas import First, Second, Third, to_sums

# Kind -> the digests of its schemas, the first one first.
PINNED = {
    "ArchiveItem": ["41201f859949"],
    "AttemptsItem": ["23e0569ebd2b"],
    "AuditItem": ["46edb886b759"],
    "BacklogItem": ["d42bb00d9999"],
    "BadgesItem": ["45ec936c9b83"],
    "BalanceItem": ["7e98cb6e9153"],
    "BoardLogItem": ["906b86d177c7"],
    "CorrectedItem": ["8439f692594d"],
    "DaysItem": ["fec5d858ec7f"],
    "EntryItem": ["2ab8bb7fe579"],
    "FailureItem": ["1c3714d21623"],
    "FirstItem": ["f36a2c45a6bb"],
    "HealthItem": ["bc494e76c6fe"],
    "HoldItem": ["c555ecb704d5"],
    "IdentityItem": ["d3356146916e"],
    "ImportedFileItem": ["1d3c8bf06dc9"],
    "ImportedItem": ["dd346743c0ae"],
    "InviteItem": ["6422e2789365"],
    "InviteTokenItem": ["6658abced404"],
    "InvitesItem": ["51af2de16261"],
    "KeyItem": ["4070bf40a9fe"],
    "KeyedItem": ["f4205dfd1ea0"],
    "LedgerCheckItem": ["da07efe32ff3"],
    "LedgerCheckPartItem": ["3ee85a533eaf"],
    "LogItem": ["84a8007c1b08"],
    "NoteItem": ["dabdcc328ead"],
    "OnceItem": ["4b6e840be8f7"],
    "OutboxItem": ["7015855c8f76"],
    "PairItem": ["acd1e76b519a"],
    "PlayerKeyItem": ["45d901a0cef7"],
    "PostingItem": ["58cec32cd403"],
    "PublicItem": ["c2e8934ad961"],
    "ReceivedItem": ["ff88d60ee9d0"],
    "RedeemedItem": ["86076c288532"],
    "RedemptionItem": ["fd26d844a339"],
    "ReferralItem": ["ebf98c276e8b"],
    "RequestItem": ["7761c08a8e68"],
    "RewardItem": ["d3106cb4be69"],
    "RulesetRunItem": ["b592d5c06357"],
    "RunItem": ["1a3f7445009e"],
    "SetsItem": ["7b835ab03048"],
    "StateItem": ["d165307e33ce"],
    "StockItem": ["0ef5ebd9b8f5"],
    "StreakItem": ["667e84a1076c"],
}
WHAT_TO_DO = (
    "{kind}: the form of its items changed, and a table may hold items of the old form. Follow "
    "docs/guides/evolving-items.md: {advice} Then pin '{digest}'."
)
NEXT_SCHEMA = "raise `schema`, add the upgrade from the previous one, write the previous one in the first release."
ONLY_ADDITIONS = "its items are read and written in parts, so only add attributes that may be absent."


def kinds() -> list[type[Kind]]:
    for module in walk_packages(chalicelib.store.__path__, "chalicelib.store."):
        if module.name.endswith(".models"):
            import_module(module.name)
    return sorted(set(_below(Kind)), key=lambda kind: kind.__name__)


def _below(kind: type[Kind]) -> list[type[Kind]]:
    own = [each for each in kind.__subclasses__() if each.__module__.startswith("chalicelib.")]
    return [*own, *(below for each in own for below in _below(each))]


def digest(kind: type[Kind]) -> str:
    """Return a digest of the names and types of a kind's attributes, with the fields of all structs in them."""
    form = {attribute.attr_name: _form(attribute) for attribute in kind.get_attributes().values()}
    return blake2b(json.dumps(form, sort_keys=True, default=str).encode(), digest_size=6).hexdigest()


def _form(attribute: Attribute[Any]) -> list[Any]:
    decoder = getattr(attribute, "decoder", None)
    inner = _typed(msgspec.inspect.type_info(decoder.type)) if decoder else ""
    return [type(attribute).__name__, attribute.attr_type, attribute.null, inner]


def _typed(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        names = [name for name in value.__struct_fields__ if name not in ("cls", "default", "default_factory")]
        return [type(value).__name__, *(_typed(getattr(value, name)) for name in names)]
    return [_typed(each) for each in value] if isinstance(value, tuple) else value


def problems(kind: type[Kind], pinned: list[str]) -> list[str]:
    """Return the problems of a kind's schema."""
    found = []
    if len(kind.upgrades) != kind.schema - 1:
        found.append(f"{kind.__name__}: {len(kind.upgrades)} upgrades do not lead from 1 to {kind.schema}")
    if kind.schema == 1 and kind.downgrade is not None:
        found.append(f"{kind.__name__}: there is no schema before 1 to write")
    if kind.in_parts and kind.schema != 1:
        found.append(f"{kind.__name__}: no upgrade covers code that reads or writes single attributes")
    if SCHEMA in {attribute.attr_name for attribute in kind.get_attributes().values()}:
        found.append(f"{kind.__name__}: the attribute '{SCHEMA}' names the schema")
    now = digest(kind)
    if len(pinned) != kind.schema or pinned[-1] != now:
        advice = ONLY_ADDITIONS if kind.in_parts else NEXT_SCHEMA
        found.append(WHAT_TO_DO.format(kind=kind.__name__, advice=advice, digest=now))
    return found


def test_every_kind_has_its_pinned_schema() -> None:
    assert [problem for kind in kinds() for problem in problems(kind, PINNED.get(kind.__name__, []))] == []
    assert PINNED.keys() == {kind.__name__ for kind in kinds()}


class Renamed(Kind):
    version = NumberAttribute(attr_name="v")
    weeks = NumberAttribute()
    month = NumberAttribute()


class Gap(Third):
    upgrades = (to_sums,)


class InParts(Second):
    in_parts = True


class Reserved(Kind):
    name = UnicodeAttribute(attr_name=SCHEMA)


@pytest.mark.parametrize(
    ("kind", "pinned", "found"),
    [
        (First, [digest(First)], []),
        (Second, ["", digest(Second)], []),
        (Second, [digest(Second)], ["raise `schema`"]),
        (Renamed, [digest(First)], ["docs/guides/evolving-items.md: raise `schema`, add the upgrade"]),
        (Gap, ["", "", digest(Third)], ["1 upgrades do not lead from 1 to 3"]),
        (InParts, ["", digest(Second)], ["no upgrade covers"]),
        (Reserved, [digest(Reserved)], ["'sc' names the schema"]),
    ],
)
def test_problems_are_found(kind: type[Kind], pinned: list[str], found: list[str]) -> None:
    assert len(problems(kind, pinned)) == len(found)
    assert all(part in problem for part, problem in zip(found, problems(kind, pinned), strict=True))


def test_a_digest_sees_the_fields_of_structs() -> None:
    class Pair(msgspec.Struct, array_like=True):
        xp: int
        at: int

    class Swapped(msgspec.Struct, array_like=True):
        at: int
        xp: int

    def of(type_: type[Any]) -> str:
        return json.dumps(_form(Json(type_)), default=str)

    assert of(Pair) != of(Swapped)
    assert of(Pair) == of(Pair)
