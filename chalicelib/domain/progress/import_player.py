"""Add to a player the figures of another system. Pays nothing but these figures, and belongs to no day."""

from __future__ import annotations

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.events.event import Event
from chalicelib.domain.events.payloads import ImportedStreak, PlayerImported
from chalicelib.domain.identity.names import chosen_name
from chalicelib.domain.progress.effect import Change
from chalicelib.domain.progress.log import Entry, Records
from chalicelib.domain.progress.player import EarnedBadge

# The cause of imported XP and balances, in the log and in the ledger.
IMPORT = "import"
# A name or privacy that the player has chosen in Laurel at any time counts more than an imported one.
BEFORE_ALL_MS = 0


def earlier_import(event: Event, records: Records) -> tuple[int, Entry] | None:
    """Return (time, log entry) of the same import if it was applied before, else None.

    The record outlives the log. Raises RejectedEvent if the import gave the player other figures.
    """
    known = records.imports.get(event.id)
    if known is None:
        return None
    if known.entry.body != event.body:
        raise RejectedEvent("import_conflict", f"The import '{event.id}' gave this player other figures before.")
    return known.time_ms, known.entry


def import_player(change: Change, payload: PlayerImported) -> None:
    """Add the imported figures to those of the player.

    Raises RejectedEvent (and changes nothing) for a badge, action or asset that the ruleset does not have, and for a
    name that cannot be displayed.
    """
    _check(change, payload)
    change.unpaid = True
    change.entry.note, change.entry.public = change.event.id, False
    _show_as(change, payload)
    player = change.player
    if payload.xp:
        player.add_undated_xp(payload.xp, change.now_ms)
        change.entry.paid[IMPORT] = payload.xp
        change.facts |= {"stat:xp", "stat:level"}
    for action, count in payload.actions.items():
        player.counters[action] = player.count(action) + count
        change.facts.add(f"action:{action}")
    for badge, earned_at in payload.badges.items():
        # A badge that was earned or revoked in Laurel stays unchanged.
        if badge not in player.badges:
            player.badges[badge] = EarnedBadge(earned_at or change.now_ms)
            player.changed.add("badges")
            change.earned(badge)
    if payload.streak:
        _add_streak(change, payload.streak)
    for asset, amount in payload.balances.items():
        change.credit(asset, IMPORT, amount)


def _check(change: Change, payload: PlayerImported) -> None:
    rules = change.rules
    for badge in payload.badges:
        if badge not in rules.badges:
            raise RejectedEvent("unknown_badge", f"There is no badge '{badge}'.")
    for action in payload.actions:
        if action not in rules.actions:
            raise RejectedEvent("unknown_action", f"There is no action '{action}'.")
    for asset in payload.balances:
        if asset not in rules.ruleset.assets:
            raise RejectedEvent("unknown_asset", f"There is no asset '{asset}'.")
    shown = payload.display_name
    if shown is not None and chosen_name(shown) != shown:
        raise RejectedEvent("invalid_name", "'data.displayName' is not a valid display name.")


def _show_as(change: Change, payload: PlayerImported) -> None:
    identity = change.player.identity
    if payload.display_name is not None and identity.asks("name", BEFORE_ALL_MS):
        identity.display_name = payload.display_name
        change.player.changed.add("identity")
    if payload.private and identity.asks("private", BEFORE_ALL_MS):
        identity.private = True
        change.player.changed.add("identity")


def _add_streak(change: Change, imported: ImportedStreak) -> None:
    """Make the days of the imported run active; mark the milestones of the run that they belong to, unpaid."""
    player, streak, before = change.player, change.player.streak, change.player.streak.longest
    added = streak.add_days(range(imported.last_day + 1 - imported.current, imported.last_day + 1))
    streak.longest = max(streak.longest, imported.longest)
    if imported.current:
        streak.reach(imported.last_day, change.rules.milestones)
    if added:
        change.stat("daysActive", added)
    if added or streak.longest != before:
        change.facts.add("streak")
    player.changed.add("streak")
