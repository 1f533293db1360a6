"""The ruleset's validation: every rule, with an error that names file, key and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.domain.core.errors import InvalidRuleset
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.ruleset import Rules
from chalicelib.domain.rules.schema import MAX_ACTIONS, MAX_BADGES

FIRST_BADGE = '{ type = "action_count", action = "request", at_least = 1 }'
LAST_BADGE = '{ type = "all", badges = ["*"] }'


def criterion(text: str) -> tuple[str, str]:
    return FIRST_BADGE, text


@pytest.mark.parametrize(
    ("change", "key", "reason"),
    [
        # syntax and shape
        (('version = "2026.1"', "version = "), "syntax", "Invalid value"),
        (('version = "2026.1"\n', ""), "top level", "missing required field `version`"),
        (('version = "2026.1"', 'version = "a version too long"'), "version", "regex"),
        (('version = "2026.1"', 'version = "2026.1"\nnonsense = 1'), "top level", "unknown field `nonsense`"),
        (("[assets.coins]", "[asset.coins]"), "top level", "unknown field `asset`"),
        # settings
        (("max_age_days = 7", "max_age_days = 0"), "settings.max_age_days", ">= 1"),
        (("max_age_days = 7", "max_age_days = 31"), "settings.max_age_days", "<= 30"),
        (("max_age_days = 7", "max_age_days = true"), "settings.max_age_days", "got `bool`"),
        (("max_ahead_seconds = 300", "max_ahead_seconds = -1"), "settings.max_ahead_seconds", ">= 0"),
        (('key_prefix = "laurel"', 'key_prefix = "La_"'), "settings.key_prefix", "regex"),
        (('derive = ["provider_switch"', 'derive = ["naps"'), "settings.derive", "unknown derivation 'naps'"),
        # actions and events
        (("request = { xp = 1,", "request = { xp = -1,"), "actions.request.xp", ">= 0"),
        (("request = { xp = 1,", "request = { xp = 1.5,"), "actions.request.xp", "got `float`"),
        (("request = { xp = 1,", "request = { pays = 1,"), "actions.request", "unknown field `pays`"),
        (("loss = { xp = 5 }", "loss = { xp = 5 }\nBad = { xp = 5 }"), "actions.Bad", "regex"),
        (("loss = { xp = 5 }", "loss = { xp = 5, daily_max = 0 }"), "actions.tournament_loss.daily_max", ">= 1"),
        (("credits = { coins = 10 }", "credits = { gold = 10 }"), "actions.lesson.credits", "unknown asset 'gold'"),
        (("credits = { coins = 10 }", "credits = { coins = 0 }"), "actions.lesson.credits[...]", ">= 1"),
        (('amount = "tokensShared"', 'amount = "nonsense"'), "actions.token_share.adds", "unknown stat 'nonsense'"),
        (('"combo.used" = "combo_use"', '"combo.used" = "nap"'), 'events."combo.used"', "unknown action 'nap'"),
        (('"combo.used" =', '"Combo used" ='), "events.Combo used", "regex"),
        (('"combo.used" = "combo_use"', '"combo.used" = 5'), "events.combo.used", "got `int`"),
        (
            ("daily_max = 20, daily_max_per_pair", "daily_max = 21, daily_max_per_pair"),
            "actions.token_share.daily_max_per_pair",
            "needs a daily_max of at most 20",
        ),
        (
            ("daily_max = 20, daily_max_per_pair", "daily_max_per_pair"),
            "actions.token_share.daily_max_per_pair",
            "needs a daily_max",
        ),
        # levels
        (("base = 100\n", ""), "levels", "needs base, exponent and cap, or thresholds"),
        (("base = 100", "base = 0"), "levels.base", ">= 1"),
        (("exponent = 1.5", "exponent = 1.3"), "levels.exponent", "multiple of 0.5"),
        (("exponent = 1.5", "exponent = nan"), "levels.exponent", ">= 0.0"),
        (("cap = 100", "cap = 1"), "levels.cap", ">= 2"),
        (("cap = 100", "cap = 100\nthresholds = [0, 5]"), "levels", "must have thresholds or a formula, not both"),
        (("base = 100\nexponent = 1.5\ncap = 100", "thresholds = [0, 5, 5]"), "levels.thresholds", "ascend"),
        (("base = 100\nexponent = 1.5\ncap = 100", "thresholds = [1, 5]"), "levels.thresholds", "start at 0"),
        (("base = 100\nexponent = 1.5\ncap = 100", "thresholds = [0]"), "levels.thresholds", "length >= 2"),
        (('asset = "tokens", amount', 'asset = "gold", amount'), "levels.reward.asset", "unknown asset 'gold'"),
        (('level = 1, title = "Beginner"', 'level = 2, title = "B"'), "levels.titles", "must begin at level 1"),
        (("level = 25,", "level = 10,"), "levels.titles", "ascend"),
        # streaks and awards
        (("milestones = [7, 14,", "milestones = [7, 7,"), "streaks.milestones", "once"),
        (("milestones = [7, 14,", "milestones = [1, 14,"), "streaks.milestones[0]", ">= 2"),
        (("max_points = 10_000", "max_points = 0"), "awards.max_points", ">= 1"),
        # badges
        (('id = "first-steps"', 'id = "First Steps"'), "badges[0].id", "regex"),
        (('id = "first-steps"', 'id = "steps"'), "badges[0].id", "kebab-case of the name: 'first-steps'"),
        (
            ('id = "getting-warmed-up"\nname = "Getting Warmed Up"', 'id = "first-steps"\nname = "First Steps"'),
            "badges[1].id",
            "defined twice",
        ),
        (('category = "usage"', 'category = "use"'), "badges[0].category", "unknown category 'use'"),
        (('rarity = "uncommon"', 'rarity = "odd"'), "badges[2].rarity", "unknown rarity 'odd'"),
        (('description = "Your first request."', 'description = ""'), "badges[0].description", "length >= 1"),
        (('description = "Your first request."', 'description = "\u3164"'), "badges[0].description", "visible"),
        (('icon = "👣"', 'icon = "\u2800"'), "badges[0].icon", "visible"),
        (('name = "First Steps"', 'name = "First Steps\u3164"'), "badges[0].name", "visible"),
        (('name = "First Steps"', 'name = "First  Steps"'), "badges[0].name", "needless spaces"),
        (('title = "Explorer"', 'title = "\u3164"'), "levels.titles[1].title", "visible"),
        (('title = "Explorer"', 'title = " Explorer"'), "levels.titles[1].title", "needless spaces"),
        # criteria
        (criterion('{ type = "luck" }'), "badges[0].criterion.type", "Invalid value 'luck'"),
        (criterion("{ at_least = 1 }"), "badges[0].criterion", "missing required field `type`"),
        (
            criterion('{ type = "action_count", action = "request" }'),
            "badges[0].criterion",
            "missing required field `at_least`",
        ),
        (
            criterion('{ type = "action_count", action = "request", at_least = 0 }'),
            "badges[0].criterion.at_least",
            ">= 1",
        ),
        (
            criterion('{ type = "action_count", action = "request", at_least = 1, x = 1 }'),
            "badges[0].criterion",
            "unknown field `x`",
        ),
        (
            criterion('{ type = "action_count", action = "nap", at_least = 1 }'),
            "badges[0].criterion",
            "unknown action 'nap'",
        ),
        (
            criterion('{ type = "amount_total", amount = "naps", at_least = 1 }'),
            "badges[0].criterion",
            "unknown amount 'naps'",
        ),
        (
            criterion('{ type = "unique_count", unique = "naps", at_least = 1 }'),
            "badges[0].criterion",
            "unknown unique 'naps'",
        ),
        (
            criterion('{ type = "unique_count", unique = "models", at_least = 65 }'),
            "badges[0].criterion.at_least",
            "<= 64",
        ),
        (criterion('{ type = "stat", stat = "naps", at_least = 1 }'), "badges[0].criterion", "unknown stat 'naps'"),
        (criterion('{ type = "streak", days = 0 }'), "badges[0].criterion.days", ">= 1"),
        (criterion('{ type = "rank", top = 1, scope = "naps" }'), "badges[0].criterion", "unknown scope 'naps'"),
        (criterion('{ type = "first" }'), "badges[0].criterion", "either action or joined_before"),
        (
            criterion('{ type = "first", action = "lesson", joined_before = 2027-01-01 }'),
            "badges[0].criterion",
            "either action or joined_before",
        ),
        (criterion('{ type = "first", action = "nap" }'), "badges[0].criterion", "unknown action 'nap'"),
        (criterion('{ type = "all" }'), "badges[0].criterion", "'all' needs criteria or badges"),
        (criterion('{ type = "any", criteria = [] }'), "badges[0].criterion", "'any' needs criteria or badges"),
        (criterion('{ type = "any", badges = ["*", "generous"] }'), "badges[0].criterion", "must be the only entry"),
        (criterion('{ type = "all", badges = ["nap"] }'), "badges[0].criterion", "unknown badge 'nap'"),
        (
            criterion('{ type = "any", criteria = [{ type = "stat", stat = "naps", at_least = 1 }] }'),
            "badges[0].criterion",
            "unknown stat 'naps'",
        ),
        (criterion('{ type = "all", badges = ["first-steps"] }'), "badges[0].criterion", "in a cycle"),
        (criterion('{ type = "any", badges = ["laureate"] }'), "badges[0].criterion", "in a cycle"),
        (criterion('{ type = "any", badges = ["*"] }'), "badges[0].criterion", "in a cycle"),
        # boards
        (('scope = "daily"', 'scope = "global"'), "boards", "must name each scope once"),
        (('period = "weekly"', 'period = "yearly"'), "boards[2].period", "regex"),
        (('scope = "weekly"', 'scope = "Weekly"'), "boards[2].scope", "regex"),
        (
            ('scope = "weekly"\nperiod = "weekly"', 'scope = "weekly"\nperiod = "weekly"\nkeep_days = 9'),
            "boards[2].keep_days",
            "only daily boards can have keep_days",
        ),
        (
            ('scope = "tokens_shared"\nperiod = "all"', 'scope = "tokens_shared"\nperiod = "daily"'),
            "boards[4].period",
            "only XP boards can have periods",
        ),
        (('actions = ["combo_create"]', 'actions = ["nap"]'), "boards[5].actions", "unknown action 'nap'"),
        (('stats = ["providers", "skills"]', 'stats = ["level"]'), "boards[5].stats", "unknown stat 'level'"),
    ],
)
def test_a_broken_rule_is_named(default_text: str, change: tuple[str, str], key: str, reason: str) -> None:
    old, new = change
    assert old in default_text
    with pytest.raises(InvalidRuleset) as caught:
        ruleset.parse(default_text.replace(old, new, 1).encode(), "my.toml")
    assert caught.value.file == "my.toml"
    assert caught.value.key == key
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"my.toml: {key}: ")


def test_at_most_so_many_actions_and_badges(default_text: str) -> None:
    many = "".join(f"extra{number} = {{ xp = 1 }}\n" for number in range(MAX_ACTIONS))
    with pytest.raises(InvalidRuleset, match=f"actions: must have at most {MAX_ACTIONS} actions"):
        ruleset.parse(default_text.replace("[actions]\n", "[actions]\n" + many).encode(), "my.toml")
    head, _, badge = default_text.partition("[[badges]]")
    badge = badge[: badge.index("[[badges]]")]
    badges = [
        "[[badges]]" + badge.replace("first-steps", f"b{n}").replace("First Steps", f"B{n}")
        for n in range(MAX_BADGES + 1)
    ]
    assert len(ruleset.parse((head + "".join(badges[:-1])).encode(), "my.toml").badges) == MAX_BADGES
    with pytest.raises(InvalidRuleset, match=f"badges: must have at most {MAX_BADGES} badges"):
        ruleset.parse((head + "".join(badges)).encode(), "my.toml")


def test_bytes_that_are_no_text_are_an_error() -> None:
    with pytest.raises(InvalidRuleset, match=r"my\.toml: syntax"):
        ruleset.parse(b"\xff\xfe", "my.toml")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRuleset, match=r"gone\.toml: file: No such file"):
        ruleset.load(tmp_path / "gone.toml")


def test_badges_are_found_by_the_facts_they_name(rules: Rules) -> None:
    index = {fact: [badge.id for badge in badges] for fact, badges in rules.badges_by_fact.items()}
    assert index["streak"] == ["week-warrior", "monthly-devoted", "unstoppable"]
    assert index["stat:providers"] == ["provider-hopper", "provider-master"]
    assert index["stat:tokensShared"] == ["philanthropist"]
    assert (index["badge"], index["rank"], index["joined"]) == (["laureate"], ["community-leader"], ["early-adopter"])
    assert "action:combo_use" not in index


def test_the_rest_of_the_default_ruleset(rules: Rules) -> None:
    assert (rules.settings.max_age_days, rules.settings.max_ahead_seconds) == (7, 300)
    assert (rules.ruleset.awards.max_points, rules.ruleset.awards.max_points_per_granter_and_day) == (10_000, 50_000)
    assert {name: (a.transferable, a.redeemable) for name, a in rules.ruleset.assets.items()} == {
        "tokens": (True, False),
        "coins": (False, True),
    }
    assert [(board.scope, board.period) for board in rules.ruleset.boards] == [
        ("global", "all"),
        ("daily", "daily"),
        ("weekly", "weekly"),
        ("monthly", "monthly"),
        ("tokens_shared", "all"),
        ("contributions", "all"),
    ]
    assert rules.actions["lesson"].xp == 20
    share, lesson = rules.actions["token_share"], rules.actions["lesson"]
    assert (share.daily_max_per_pair, lesson.once_per, lesson.credits) == (3, "lessonId", {"coins": 10})


def test_different_rulesets_have_different_digests(default_text: str) -> None:
    assert len(ruleset.digest(default_text.encode())) == 12
    assert ruleset.digest(default_text.encode()) != ruleset.digest(default_text.encode() + b"\n")
