"""Reads of players: the state and its companion items, as of one commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chalicelib.domain.progress.model_use import ModelUse
from chalicelib.domain.progress.player import Player
from chalicelib.domain.progress.streaks import Streak
from chalicelib.store.core import keys as core_keys
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Busy, Table, key_of
from chalicelib.store.identity import keys as identity_keys
from chalicelib.store.identity.identities import read_identity
from chalicelib.store.progress import keys as progress_keys
from chalicelib.store.progress.models import BadgesItem, SetsItem, StateItem, StreakItem

# A torn read mixes two commits. Three in a row mean that the player changes too fast to be read.
MAX_TORN_READS = 3
_MODEL_BYTES = 16


def load_players(table: Table, ids: Sequence[str]) -> dict[str, Player]:
    """Load the players that exist, each with all companion items of the state as of one commit."""
    players: dict[str, Player] = {}
    missing = list(ids)
    for _ in range(MAX_TORN_READS):
        found = table.get_many(
            [identity_keys.player(player_id, part) for player_id in missing for part in progress_keys.CORE]
        )
        torn = []
        for player_id in missing:
            core = {part: found.get(identity_keys.player(player_id, part)) for part in progress_keys.CORE}
            item = core[identity_keys.STATE]
            if item is None:
                continue
            state = StateItem.from_raw_data(item)
            if not _is_consistent(state, core):
                torn.append(player_id)
                continue
            players[player_id] = _player_of(player_id, state, core)
        if not torn:
            return players
        missing = torn
    raise Busy("a player kept changing while it was read")


def all_players(table: Table) -> Iterator[list[str]]:
    """Yield the ids of all players, page by page, in no order."""
    for players, _ in players_after(table, None):
        yield players


def players_after(table: Table, place: core_keys.Key | None) -> Iterator[tuple[list[str], core_keys.Key | None]]:
    """Yield the ids of all players after a place, page by page, each with the place after it, None at the end."""
    while True:
        page = table.scan_keys(identity_keys.STATE, key_of(place) if place else None)
        place = (page.next["pk"]["S"], page.next["sk"]["S"]) if page.next else None
        yield [item["pk"]["S"].removeprefix(identity_keys.PLAYER) for item in page.items], place
        if place is None:
            return


def some_players(table: Table, near: str) -> list[str]:
    """Return the ids of some players: one page of a scan that begins where `near`, a player or not, would be."""
    page = table.scan_keys(identity_keys.STATE, key_of(identity_keys.player(near)))
    return [item["pk"]["S"].removeprefix(identity_keys.PLAYER) for item in page.items]


def load_player(table: Table, player_id: str) -> Player | None:
    return load_players(table, [player_id]).get(player_id)


def _is_consistent(state: StateItem, core: dict[str, Item | None]) -> bool:
    """Return whether each companion item has the version that the state names. A batch read is no snapshot."""
    for part, letter in progress_keys.COMPANIONS.items():
        item = core[part]
        if state.companions.get(letter, 0) != (int(item["v"]["N"]) if item else 0):
            return False
    return True


def _player_of(player_id: str, state: StateItem, core: dict[str, Item | None]) -> Player:
    player = Player(player_id, read_identity(core[identity_keys.IDENTITY] or {}), version=int(state.version))
    player.xp, player.xp_at, player.award_xp = int(state.xp), int(state.xp_at), int(state.award_xp or 0)
    player.rewarded_level = int(state.rewarded_level)
    player.counters, player.stats = state.counters, state.stats
    player.last_provider = state.last_provider or ""
    player.last_provider_at = int(state.last_provider_at) if state.last_provider else -1
    player.models = unpack_models(state.models or b"")
    player.models_forgotten_at = int(state.models_forgotten_at) if state.models_forgotten_at is not None else -1
    player.day, player.day_stats = int(state.day), state.day_stats
    player.open_periods = state.open_periods or {}
    player.sums_at = state.sums_at or {}
    player.companions = state.companions
    streak, badges, sets = core[progress_keys.STREAK], core[progress_keys.BADGES], core[progress_keys.SETS]
    if streak:
        player.streak = read_streak(streak)
    if badges:
        badges_row = BadgesItem.from_raw_data(badges)
        player.badges, player.ranks = badges_row.badges, badges_row.ranks or {}
    if sets:
        player.sets = SetsItem.from_raw_data(sets).sets
    return player


def read_streak(item: Item) -> Streak:
    row = StreakItem.from_raw_data(item)
    years = {year: int(bitmap, 16) for year, bitmap in row.years.items()}
    return Streak(years, row.marks, int(row.last), int(row.longest))


def pack_models(models: dict[str, ModelUse]) -> bytes:
    """Pack each model: its digest (5 bytes), last use (6), time from first to last use with `nothing_before` (5)."""
    return b"".join(
        bytes.fromhex(name)
        + use.last.to_bytes(6, "big")
        + ((use.last - use.first) << 1 | use.nothing_before).to_bytes(5, "big")
        for name, use in models.items()
    )


def unpack_models(packed: bytes) -> dict[str, ModelUse]:
    models = {}
    for start in range(0, len(packed), _MODEL_BYTES):
        last = int.from_bytes(packed[start + 5 : start + 11], "big")
        span = int.from_bytes(packed[start + 11 : start + _MODEL_BYTES], "big")
        models[packed[start : start + 5].hex()] = ModelUse(last - (span >> 1), last, bool(span & 1))
    return models
