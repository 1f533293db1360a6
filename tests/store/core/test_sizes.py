"""Sizes of the items that every event rewrites, by DynamoDB's rules, for players as heavy as they come."""

from __future__ import annotations

from base64 import b64encode

import pytest

from chalicelib.domain.core.periods import ENDING
from chalicelib.domain.identity.identity import Identity
from chalicelib.domain.progress.daily_stats import DailyStats
from chalicelib.domain.progress.model_use import ModelUse
from chalicelib.domain.progress.player import EarnedBadge, Player, model_digest
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.domain.rules.schema import MAX_PAIRS, NUMERIC_STATS
from chalicelib.settings import RULESETS
from chalicelib.store.core.item_size import item_size
from chalicelib.store.core.models import Item
from chalicelib.store.progress import keys
from chalicelib.store.progress.codecs import KNOWN_ACTIONS
from chalicelib.store.progress.models import StateItem
from chalicelib.store.progress.player_writes import MAX_STATE_BYTES, state_item
from chalicelib.store.progress.players import unpack_models
from tests.simulated.values import check_item

NOW = 1_779_192_000_000  # 2026-05-19T12:00:00Z
DAY_MS = 86_400_000
DAY = NOW // DAY_MS
MODELS = PROVIDERS = 20
PAIR_KEY = "~{:08x}"


@pytest.fixture(scope="module")
def rules() -> Rules:
    return ruleset.load(RULESETS / "default.toml")


def heavy(rules: Rules, stat: int, count: int, pairs: int) -> Player:
    """Return a player with the longest id, all names, badges and counters, 31 days, and figures of many digits."""
    player = Player("p" * 128, Identity("a" * 32, "u" * 16, NOW), version=count)
    player.xp, player.xp_at, player.award_xp, player.rewarded_level = 10 * count, NOW, -count, 100
    player.counters = dict.fromkeys(rules.actions, count)
    player.stats = dict.fromkeys(NUMERIC_STATS, stat)
    player.last_provider, player.last_provider_at = "provider-" + "x" * 15, NOW
    player.models = {
        model_digest(f"model-{number}"): ModelUse(NOW - 30 * DAY_MS - number, NOW - number, True)
        for number in range(MODELS)
    }
    player.sets = {"providers": [f"provider-{number}" for number in range(PROVIDERS)]}
    player.badges = {badge: EarnedBadge(NOW) for badge in rules.badges}
    for day in range(DAY - 30, DAY + 1):
        player.streak.add(day)
        player.past[day] = DailyStats(count, count, stat, stat, NOW)
    paid = {name: action.daily_max for name, action in rules.actions.items() if action.daily_max}
    paid |= {PAIR_KEY.format(number): 1 for number in range(pairs)}
    player.day = DAY
    player.day_stats = DailyStats(5000, 20_000, stat // 1000, stat // 1000, NOW, paid, True)
    player.open_periods = {"2026-W21": (140_000, NOW), "2026-05": (600_000, NOW)}
    player.sums_at = {board.scope: NOW for board in rules.ruleset.boards if not board.counts_xp}
    player.companions = dict.fromkeys(keys.COMPANIONS.values(), count)
    return player


def on_the_wire(item: Item) -> Item:
    return {name: {"B": b64encode(v["B"]).decode()} if "B" in v else v for name, v in item.items()}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("pairs", [0, 3, MAX_PAIRS])
@pytest.mark.parametrize(("stat", "count"), [(10**7, 10**5), (10**10, 10**6), (10**12, 10**9)])
def test_the_state_of_a_heavy_player_is_one_write_unit(
    rules: Rules, stat: int, count: int, pairs: int, late: bool
) -> None:
    player = heavy(rules, stat, count, pairs)
    if late:
        player.day_stats.on_time = dict.fromkeys(ENDING, (19_000, NOW - 1))
    item = state_item(player, count + 1, rules.version)
    size = check_item(on_the_wire(item))
    assert size == item_size(item), "the store's arithmetic is the simulated table's"
    assert size <= MAX_STATE_BYTES == 1024
    # Tokens sent to twenty others on one day, and XP too late for its boards, cost room that models give up; the log
    # knows those.
    assert len(unpack_models(item["m"]["B"])) >= (MODELS if pairs < MAX_PAIRS else 8) - 4 * late


def test_the_state_comes_back_as_it_was(rules: Rules) -> None:
    player = heavy(rules, 10**12, 10**9, 3)
    player.counters["an_action_of_ones_own"] = 7
    item = state_item(player, 5, rules.version)
    back = StateItem.from_raw_data(item)
    assert back.counters == player.counters
    assert back.stats == player.stats
    assert back.day_stats == player.day_stats
    assert (back.companions, back.sums_at) == (player.companions, player.sums_at)
    assert back.open_periods == player.open_periods


@pytest.mark.parametrize(
    ("period", "size"),
    [("2026-W21", 3), ("2026-W01", 3), ("1970-01", 1), ("2026-12", 3), ("spring-2026", 12), ("2026-13", 8)],
)
def test_an_open_period_of_any_kind_is_stored_by_its_id(period: str, size: int) -> None:
    summed = {period: (-7, NOW), "2026-05": (600_000, NOW)}
    packed = StateItem.open_periods.serialize(summed)
    assert StateItem.open_periods.deserialize(packed) == summed
    assert len(packed) == 1 + (size + 1 + 9) + (3 + 5 + 9)


def test_the_actions_of_the_default_ruleset_take_a_byte_each(rules: Rules) -> None:
    assert set(rules.actions) <= set(KNOWN_ACTIONS)
    assert len(set(KNOWN_ACTIONS)) == len(KNOWN_ACTIONS)
