"""The writes of one commit for a player: the state, its companion items, days that ended or changed late."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.core.periods import month_name
from chalicelib.domain.progress.player import Player
from chalicelib.store.core.codecs import Json
from chalicelib.store.core.item_size import item_size
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import number, text
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.identity import keys as identity_keys
from chalicelib.store.identity.models import IdentityItem, PublicItem
from chalicelib.store.progress import keys as progress_keys
from chalicelib.store.progress.models import BadgesItem, SetsItem, StateItem, StreakItem
from chalicelib.store.progress.players import pack_models
from chalicelib.store.progress.records import DAILY_STATS, day_attribute

# The item that every event rewrites: one write unit.
MAX_STATE_BYTES = 1024
_NEW = "attribute_not_exists(pk)"
_MIN_MODELS = 4

ASKED_AT: Json[dict[str, int]] = Json(dict[str, int])


def add_player(tx: Transaction, player: Player, ruleset: str, key_changes: int | None = None) -> None:
    """Add a player's next version, on condition of the one that was read.

    `key_changes`: how often the keys of a new player were changed.
    """
    version = player.version + 1
    companions = _companions(player, version)
    identity = [identity_keys.IDENTITY] if player.version == 0 or "identity" in player.changed else []
    player.companions = player.companions | {
        progress_keys.COMPANIONS[part]: version for part in (*identity, *companions)
    }
    if player.version == 0:
        tx.put(state_item(player, version, ruleset), _NEW)
        _create(tx, player, key_changes)
    else:
        tx.put(state_item(player, version, ruleset), "v = :v", None, {":v": number(player.version)})
        if identity:
            _update_identity(tx, player)
    for item in companions.values():
        tx.put(item)
    months: dict[str, list[int]] = {}
    for day in sorted(player.changed_days):
        months.setdefault(month_name(day), []).append(day)
    for month, days in months.items():
        _update_days(tx, player, month, days)


def _create(tx: Transaction, player: Player, key_changes: int | None) -> None:
    pk, sk = identity_keys.player(player.id, identity_keys.IDENTITY)
    identity = player.identity
    row = IdentityItem(pk, sk, version=1, key_changes=key_changes, account=identity.account, public=identity.public)
    row.created_at, row.display_name = identity.created_at, identity.display_name
    row.private, row.hidden = identity.private or None, identity.hidden or None
    row.asked_at = identity.asked_at or None
    public_pk, public_sk = identity_keys.public(identity.public)
    tx.put(row.item(), _NEW)
    tx.put(PublicItem(public_pk, public_sk, player=player.id).item(), _NEW)


def _update_identity(tx: Transaction, player: Player) -> None:
    """Add the update of how the player is shown. It leaves the rest of the item, such as `key_changes`, unchanged."""
    identity = player.identity
    shown: Item = {
        "private": {"BOOL": identity.private},
        "hidden": {"BOOL": identity.hidden},
        "v": number(player.version + 1),
    }
    shown["asked_at"] = text(ASKED_AT.serialize(identity.asked_at))
    if identity.display_name:
        shown["display_name"] = text(identity.display_name)
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in shown)
    expression += "" if identity.display_name else " REMOVE #display_name"
    names = {f"#{name}": name for name in (*shown, "display_name")}
    values = {f":{name}": value for name, value in shown.items()}
    where = identity_keys.player(player.id, identity_keys.IDENTITY)
    tx.update(where, expression, "attribute_exists(pk)", names, values)


def _companions(player: Player, version: int) -> dict[str, Item]:
    """Return the changed companion items of the state, by part."""
    built: dict[str, Item] = {}
    if "streak" in player.changed:
        streak = player.streak
        years = {year: f"{bitmap:x}" for year, bitmap in streak.years.items()}
        pk, sk = identity_keys.player(player.id, progress_keys.STREAK)
        built[sk] = StreakItem(
            pk, sk, version=version, years=years, marks=streak.marks, last=streak.last, longest=streak.longest
        ).item()
    if "badges" in player.changed:
        pk, sk = identity_keys.player(player.id, progress_keys.BADGES)
        built[sk] = BadgesItem(pk, sk, version=version, badges=player.badges, ranks=player.ranks or None).item()
    if "sets" in player.changed:
        pk, sk = identity_keys.player(player.id, progress_keys.SETS)
        built[sk] = SetsItem(pk, sk, version=version, sets=player.sets).item()
    return built


def state_item(player: Player, version: int, ruleset: str) -> Item:
    """Return the state as an item. It forgets models until the item fits one write unit."""
    while True:
        item = _state(player, version, ruleset).item()
        if item_size(item) <= MAX_STATE_BYTES or len(player.models) <= _MIN_MODELS:
            return item
        player.forget_model()


def _state(player: Player, version: int, ruleset: str) -> StateItem:
    pk, sk = identity_keys.player(player.id)
    return StateItem(
        pk,
        sk,
        version=version,
        companions=player.companions,
        ruleset=ruleset,
        xp=player.xp,
        xp_at=player.xp_at,
        award_xp=player.award_xp or None,
        rewarded_level=player.rewarded_level,
        counters=player.counters,
        stats=player.stats,
        last_provider=player.last_provider or None,
        last_provider_at=player.last_provider_at if player.last_provider else None,
        models=pack_models(player.models) or None,
        models_forgotten_at=player.models_forgotten_at if player.models_forgotten_at >= 0 else None,
        day=player.day,
        day_stats=player.day_stats,
        open_periods=player.open_periods or None,
        sums_at=player.sums_at or None,
    )


def _update_days(tx: Transaction, player: Player, month: str, days: Sequence[int]) -> None:
    names = {f"#{day_attribute(day)}": day_attribute(day) for day in days}
    values = {f":{day_attribute(day)}": text(DAILY_STATS.serialize(player.past[day])) for day in days}
    sets = ", ".join(f"#{day_attribute(day)} = :{day_attribute(day)}" for day in days)
    tx.update(progress_keys.days(player.id, month), f"SET {sets}", "", names, values)
