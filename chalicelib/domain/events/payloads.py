"""Members of `data` for each event type. Unknown members are ignored; known ones have a type and a range."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from chalicelib.domain.core.decoding_errors import fault
from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.identity.names import MAX_NAME

# 0..10^12, the range of every number in an event.
Quantity = Annotated[int, Meta(ge=0, le=10**12)]
Label = Annotated[str, Meta(min_length=1, max_length=128)]
Reference = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:@-]{1,128}\Z")]

# Optional texts. Gateways send a blank text for "none", so it counts as absent.
OPTIONAL_TEXTS = frozenset(
    [
        "provider",
        "model",
        "skill",
        "caller",
        "subscriptionId",
        "comboId",
        "status",
        "compressionUsed",
        "skillUsed",
        "grantedBy",
        "key",
        "distinctId",
        "decidedBy",
    ]
)
# The figures of a player in another system; sent by an import.
PLAYER_IMPORTED = "player.imported"
# Gateways use this name, in any case, for a model they do not know.
UNKNOWN_MODEL = "unknown"


class Payload(msgspec.Struct, rename="camel", kw_only=True):
    """The members that any event may carry and rules read."""

    provider: Label | None = None
    model: Label | None = None
    skill: Label | None = None
    caller: Label | None = None
    subscription_id: Label | None = None
    combo_id: Label | None = None
    latency_ms: Quantity | None = None
    status: Literal["ok", "error", "rejected"] = "ok"
    fallback_used: bool = False
    tokens_in: Quantity = 0
    tokens_out: Quantity = 0
    cost_micro_usd: Quantity = 0
    tokens_saved: Quantity = 0
    cost_saved_micro_usd: Quantity = 0
    cache_hit: bool = False
    semantic_hit: bool = False
    race_won: bool = False
    fact_stored: bool = False


class RequestCompleted(Payload, rename="camel", kw_only=True):
    compression_used: bool | Label = False
    skill_used: bool | Label = False


class TransferSent(Payload, rename="camel", kw_only=True):
    to: Reference
    amount: Annotated[int, Meta(ge=1, le=10**12)]


class TransferReceived(Payload, rename={"sender": "from"}, kw_only=True):
    sender: Reference
    amount: Annotated[int, Meta(ge=1, le=10**12)]


class LessonCompleted(Payload, rename="camel", kw_only=True):
    lesson_id: Label


class Award(Payload, rename="camel", kw_only=True):
    points: Annotated[int, Meta(ge=-(10**12), le=10**12)]
    reason: Annotated[str, Meta(min_length=1, max_length=200)]
    granted_by: Label | None = None
    key: Label | None = None
    distinct_id: Annotated[str, Meta(max_length=200)] | None = None
    public: bool = True


class BadgeDecision(Payload, rename="camel", kw_only=True):
    badge_id: Annotated[str, Meta(min_length=1, max_length=48)]
    decided_by: Label | None = None


class RankJudged(Payload, rename="camel", kw_only=True):
    """A player's rank among `total` players of a board, judged when its period closed or at the end of a day."""

    scope: Annotated[str, Meta(min_length=1, max_length=32)]
    period: Annotated[str, Meta(min_length=1, max_length=16)]
    rank: Annotated[int, Meta(ge=1, le=10**12)]
    total: Annotated[int, Meta(ge=1, le=10**12)]


class ProfileChanged(Payload, rename="camel", kw_only=True):
    """A player's changes of the profile. Absent members keep their value; an empty `display_name` removes the name."""

    display_name: Annotated[str, Meta(max_length=MAX_NAME)] | None = None
    private: bool | None = None


class PlayerDecision(Payload, rename="camel", kw_only=True):
    decided_by: Label | None = None


class ImportedStreak(msgspec.Struct, rename="camel", kw_only=True):
    """A streak in another system: `current` active days in a row, the last of which is `last_day`."""

    current: Annotated[int, Meta(ge=0, le=10_000)] = 0
    longest: Annotated[int, Meta(ge=0, le=10_000)] = 0
    last_day: Annotated[int, Meta(ge=0, le=10**6)] = 0


class PlayerImported(Payload, rename="camel", kw_only=True):
    """The figures of a player in another system. `badges`: id -> when it was earned (ms), 0 if that is unknown."""

    display_name: Annotated[str, Meta(max_length=MAX_NAME)] | None = None
    private: bool = False
    xp: Quantity = 0
    actions: dict[str, Quantity] = {}
    badges: dict[str, Annotated[int, Meta(ge=0, le=10**14)]] = {}
    streak: ImportedStreak | None = None
    balances: dict[str, Quantity] = {}


PAYLOADS: dict[str, type[Payload]] = {
    "request.completed": RequestCompleted,
    "transfer.sent": TransferSent,
    "transfer.received": TransferReceived,
    "lesson.completed": LessonCompleted,
    "award": Award,
    "badge.granted": BadgeDecision,
    "badge.revoked": BadgeDecision,
    "rank.judged": RankJudged,
    "profile.changed": ProfileChanged,
    "player.hidden": PlayerDecision,
    PLAYER_IMPORTED: PlayerImported,
    "player.unhidden": PlayerDecision,
}


def points_sentence(most: int, member: str = "points") -> str:
    """Return the sentence for points that no award may have."""
    return f"'{member}' must be from -{most} to {most}, and not 0."


_KINDS: tuple[type[Payload], ...] = (Payload, *PAYLOADS.values())
_CHECKED = frozenset(name for kind in _KINDS for name in kind.__struct_encode_fields__)


def given(data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` without members that carry no information: blank texts, and a model called `unknown`.

    A blank text of an unknown member is left out too: a ruleset may pay something once for each of its values.
    """
    return {name: value for name, value in data.items() if not (isinstance(value, str) and _is_blank(name, value))}


def _is_blank(name: str, value: str) -> bool:
    text = value.strip()
    if not text:
        return name in OPTIONAL_TEXTS or name not in _CHECKED
    return name == "model" and text.casefold() == UNKNOWN_MODEL


def decode_payload(type_: str, data: dict[str, Any]) -> Payload:
    """Decode `data` as the payload of its type. Raises RejectedEvent with a sentence that names the member."""
    kind = PAYLOADS.get(type_, Payload)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise RejectedEvent("invalid_data", fault(error, kind, within="data").sentence) from error
