"""The references of event types and of domain events."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from chalicelib.domain.core.domain_event import DomainEvent
from chalicelib.domain.events.payloads import PAYLOADS, PLAYER_IMPORTED, Payload
from chalicelib.domain.progress.domain_events import domain_events_of, rotated_event
from chalicelib.domain.progress.log import Entry
from chalicelib.domain.rules.ruleset import load
from chalicelib.domain.rules.schema import Action
from chalicelib.services.boards.read_archive import ArchivedEntry
from chalicelib.services.outbox_messages import KINDS
from chalicelib.settings import RULESETS
from infra.reference.event_texts import DERIVED, EVENTS, MEMBERS, PUBLISHED, REASONS
from infra.reference.markdown import block, code, members, page, table

AT_MS = 1_779_192_000_000  # 2026-05-19T12:00:00Z
ABOUT_TYPES = (
    "What each event type pays by the default ruleset, and what its `data` may hold. Sending events is in "
    "[events](../guides/events.md)."
)
ABOUT_PUBLISHED = (
    "What Laurel publishes on the EventBridge bus `laurel-<stage>`: the detail type, and the members of the detail. "
    "Each event is delivered at least once, always under the same `id`; consumers ignore ids that they have processed. "
    "`version` is the version of the schema, `userId` the player, `time` the moment in UTC."
)
ID = "19e401b6e004f0c2ab19d3e5f605a3e0c1b77"
# Facts of outbox records, by member, for the examples.
FACTS: dict[str, Any] = {
    "from": "ada", "to": "bob", "amount": 50, "referrer": "ada", "player": "bob", "redemption": "19e401b6e004f0c2ab19d",
    "reward": "coffee-mug", "cost": 300, "asset": "coins",
}  # fmt: skip


def event_types() -> str:
    """Return the page of event types. Raises KeyError for one without a text."""
    rules = load(RULESETS / "default.toml").ruleset
    types = [
        (code(type_), code(action), *_pays(rules.actions[action]), EVENTS[type_])
        for type_, action in rules.events.items()
    ]
    paid = set(rules.events.values())
    derived = [
        (code(name), *_pays(action), DERIVED[name]) for name, action in rules.actions.items() if name not in paid
    ]
    parts = [
        "## Types that pay",
        table(("type", "action", "XP", "further", "meaning"), types),
        "Laurel itself sends `transfer.sent` and `referral.redeemed`; producers cannot. Other types are logged and pay "
        "nothing.",
        "## Actions without a type of their own",
        table(("action", "XP", "further", "when"), derived),
        "## Members of every event",
        table(("member", "type", "default", "meaning"), _members(Payload)),
        *(_payload(type_) for type_ in PAYLOADS if type_ in rules.events),
        "## Reasons of rejected events",
        table(("reason", "meaning"), [(code(reason), text) for reason, text in REASONS.items()]),
    ]
    return page("Event types", ABOUT_TYPES, parts)


def _pays(action: Action) -> tuple[str, str]:
    further = [f"{amount} {asset}" for asset, amount in action.credits.items()]
    if action.daily_max:
        further.append(f"at most {action.daily_max} a day")
    if action.daily_max_per_pair:
        further.append(f"{action.daily_max_per_pair} a day to the same player")
    if action.once_per:
        further.append(f"once for each `{action.once_per}`")
    if action.streak_day:
        further.append("makes the day active")
    return str(action.xp), ", ".join(further)


def _members(type_: type[msgspec.Struct], without: tuple[str, ...] = ()) -> list[tuple[str, str, str, str]]:
    found = msgspec.json.schema(type_)["$defs"][type_.__name__]
    return [
        (name, kind, default, MEMBERS[name.strip("`")])
        for name, kind, default, _ in members(found)
        if name.strip("`") not in without
    ]


def _payload(type_: str) -> str:
    common = Payload.__struct_encode_fields__
    rows = _members(PAYLOADS[type_], common)
    return f"## Members of {type_}\n\n{table(('member', 'type', 'default', 'meaning'), rows)}"


def domain_events() -> str:
    """Return the page of domain events. Raises KeyError for one without a text."""
    entry = Entry(
        "identity", "", 0, "badge.revoked", "", "", levels=(2, 3), badges=["first-steps"], milestones=[7], streak=7,
        note="first-steps",
    )  # fmt: skip
    imported = Entry("identity", "", 0, PLAYER_IMPORTED, "", "", paid={"import": 5200}, note="old-system")
    champion = msgspec.to_builtins(ArchivedEntry(1, "4f0c2ab19d3e5f60", "Ada", 790, 3, "Beginner"))
    published = [
        *domain_events_of("ada", AT_MS, entry, 100),
        *domain_events_of("ada", AT_MS, imported, 100),
        rotated_event("weekly", "2026-W20", AT_MS, 184, champion),
        *(each for kind in sorted(KINDS) for each in KINDS[kind](ID, AT_MS, FACTS | _status(kind)).domain_events),
    ]
    return page("Domain events", ABOUT_PUBLISHED, [_published(each) for each in published])


def _status(kind: str) -> dict[str, str]:
    """Return the status that a redemption has after an outbox record of this kind."""
    name = kind.rpartition(".")[2]
    return {"status": "completed" if name == "redeemed" else name}


def _published(event: DomainEvent) -> str:
    return f"## {event.type}\n\n{PUBLISHED[event.type]}\n\n{block('', json.dumps(event.body(), indent=1))}"
