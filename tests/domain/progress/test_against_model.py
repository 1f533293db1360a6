"""Random histories: the rules equal the naive model, and what must not depend on order does not."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.events.event import Event
from chalicelib.domain.progress import scores as boards
from chalicelib.domain.rules import ruleset
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.conftest import DEFAULT
from tests.domain.progress.desk import DAY, HOUR, MINUTE, Desk
from tests.domain.progress.model import Model
from tests.domain.progress.test_badges import badge

# Midnights that end a year within ISO week 53, a year whose last days are in W01, a leap day, a month, a week.
BOUNDARIES = [1_798_761_600_000, 1_735_516_800_000, 1_835_481_600_000, 1_780_272_000_000, 1_779_062_400_000]
PLAYERS = ["ada", "bob"]
XP_BOARDS = {"global", "daily", "weekly", "monthly"}

# Thresholds so low that short histories pass them all, and criteria of every type, nested too.
BUSY = [
    ("daily_max = 20", "daily_max = 2"),
    ("daily_max_per_pair = 3", "daily_max_per_pair = 1"),
    ("milestones = [7, 14, 30, 60, 90, 180, 365]", "milestones = [2, 3, 5, 8]"),
    ("base = 100\n", "base = 10\n"),
    ("streak_milestone = { xp = 15 }", "streak_milestone = { xp = 15, credits = { coins = 3 } }"),
    ("badge_earned = { xp = 25 }", "badge_earned = { xp = 25, daily_max = 3, credits = { coins = 1 } }"),
    ("max_points = 10_000", "max_points = 500"),
    ("max_points_per_granter_and_day = 50_000", "max_points_per_granter_and_day = 900"),
    (
        "combo_use = { xp = 2 }",
        'combo_use = { xp = 2, streak_day = true, once_per = "comboId", credits = { coins = 1 } }',
    ),
]
BUSY_BADGES = [
    badge("Everything", '{ type = "all", badges = ["*"] }', hidden=True),
    badge("Twice", '{ type = "action_count", action = "request", at_least = 2 }'),
    badge("Sharer", '{ type = "amount_total", amount = "tokensShared", at_least = 50 }'),
    badge("Modeller", '{ type = "unique_count", unique = "models", at_least = 2 }'),
    badge("Runner", '{ type = "streak", days = 2 }'),
    badge("Pioneer", '{ type = "first", action = "lesson" }'),
    badge("Early", '{ type = "first", joined_before = 2027-01-01 }'),
    badge("Hundred", '{ type = "stat", stat = "xp", at_least = 100 }'),
    badge("Third", '{ type = "stat", stat = "level", at_least = 3 }'),
    badge("Saver", '{ type = "stat", stat = "tokensSaved", at_least = 20 }'),
    badge("Either", '{ type = "any", badges = ["twice", "pioneer"], criteria = [{ type = "streak", days = 3 }] }'),
    badge("Both", '{ type = "all", badges = ["runner", "pioneer"] }'),
    badge(
        "Deep",
        '{ type = "all", criteria = [{ type = "first", action = "combo_create" }, '
        '{ type = "any", criteria = [{ type = "first", joined_before = 2027-01-01 }, '
        '{ type = "stat", stat = "requests", at_least = 3 }] }] }',
    ),
]


@pytest.fixture(scope="module")
def busy_rules() -> Rules:
    text = DEFAULT.read_text("utf-8")
    for old, new in BUSY:
        assert old in text
        text = text.replace(old, new)
    return ruleset.parse((text[: text.index("[[badges]]")] + "".join(BUSY_BADGES)).encode(), "busy.toml")


# Histories ---------------------------------------------------------------------------------------------------------

few = st.sampled_from
NAMES = ("Ada", "", " x", "a\n", "a  b", "User***0001")
names = {
    "provider": few(["a", "b", "", " "]),
    "model": few(["m1", "m2", "m3", "m1", "m2", "", " ", "unknown", " Unknown"]),
    "caller": few(["c1", "c2", ""]),
}
request_data = st.fixed_dictionaries(
    {},
    optional={
        **names,
        "comboId": few(["k1", "k2", "", " "]),
        "compressionUsed": few([True, False, "", "zip"]),
        "skillUsed": few([True, False, "s1", "s2", " "]),
        "skill": few(["s2", "s3"]),
        "subscriptionId": few(["u1"]),
        "status": few(["ok", "ok", "", "error", "rejected"]),
        "tokensIn": st.integers(0, 50),
        "tokensSaved": st.integers(0, 20),
        "costSavedMicroUsd": st.integers(0, 20),
        "cacheHit": st.booleans(),
    },
)
award_data = st.fixed_dictionaries(
    {"points": few([-501, -400, -20, 0, 5, 60, 400, 501]), "reason": few(["x", "y"])},
    optional={"grantedBy": few(["g1", "g2", "", " "]), "key": few(["k1", "k2"])},
) | st.fixed_dictionaries(
    {"points": few([-501, 0, 300, 500]), "reason": few(["x", "y"]), "grantedBy": few(["g1", "g2"])},
    optional={"key": few(["k1", "k2"]), "reserved": few([True, True, False])},
)
pair = {"amount": st.integers(1, 60)}
others = ["eve", "dan"]
badge_ids = ["twice", "pioneer", "runner", "early", "first-steps", "generous", "nonsense"]
imported_data = st.fixed_dictionaries(
    {},
    optional={
        "displayName": few(["Ada", "Bea", "User***0001"]),
        "private": st.just(True),
        "xp": few([0, 5, 90, 4000]),
        "actions": st.dictionaries(few(["request", "lesson", "combo_create", "award"]), st.integers(1, 5), max_size=2),
        "badges": st.dictionaries(few(badge_ids), few([0, 1_700_000_000_000]), max_size=2),
        "streak": st.builds(
            lambda current, more, back: {"current": current, "longest": current + more, "lastDay": 20_000 + back},
            st.integers(0, 6),
            few([0, 3]),
            few([0, 84, 86, 588, 590, 602, 604, 816, 818, 1241, 1243]),
        ),
        "balances": st.dictionaries(few(["tokens", "coins", "gold", "coins"]), st.integers(1, 9), max_size=2),
    },
)
happening = st.one_of(
    st.tuples(st.just("request.completed"), request_data),
    st.tuples(st.just("request.completed"), request_data),
    st.tuples(
        few(
            ["combo.created", "combo.used", "provider.switch", "model.first_use", "skill.executed", "compression.used"]
        ),
        st.fixed_dictionaries({}, optional=names | {"skill": few(["s1", "s9"]), "comboId": few(["k1", "k3"])}),
    ),
    st.tuples(few(["tournament.won", "tournament.lost", "referral.redeemed", "coffee.brewed"]), st.just({})),
    st.tuples(st.just("lesson.completed"), st.fixed_dictionaries({"lessonId": few(["l1", "l2"])})),
    st.tuples(st.just("transfer.sent"), st.fixed_dictionaries({"to": few(others), **pair})),
    st.tuples(st.just("transfer.received"), st.fixed_dictionaries({"from": few(others), **pair})),
    st.tuples(st.just("award"), award_data),
    st.tuples(few(["badge.granted", "badge.revoked"]), st.fixed_dictionaries({"badgeId": few(badge_ids)})),
    st.tuples(st.just("player.imported"), imported_data),
    st.tuples(few(["player.hidden", "player.unhidden"]), st.just({"decidedBy": "root"})),
    st.tuples(
        st.just("profile.changed"),
        st.fixed_dictionaries({}, optional={"displayName": few(NAMES), "private": st.booleans()}),
    ),
)
passing = few([0, 1, MINUTE, 5 * HOUR, 11 * HOUR, DAY, DAY + HOUR])
lateness = few([0, 0, 0, 1, HOUR, DAY, 2 * DAY, 5 * DAY, 7 * DAY, 16 * DAY, -4 * MINUTE])
step = st.tuples(few(PLAYERS), happening, passing, lateness, few(["send"] * 7 + ["timeless", "again", "forget"]))
history = st.lists(step, min_size=5, max_size=35)


def send_steps(desk: Desk, model: Model, steps: list[Any]) -> None:
    """Let both live through a history; every event has the same outcome in both."""
    sent: list[Event] = []
    for player, (type_, data), passed, late, how in steps:
        desk.now_ms += passed
        if how == "forget" and player in desk.players and desk.players[player].models:
            desk.players[player].forget_model()
        if how == "again" and sent:
            event = sent[len(sent) * late // (17 * DAY) if late > 0 else 0]
        else:
            more = {"time": None} if how == "timeless" or type_ == "player.imported" else {}
            if type_ == "player.imported":
                more |= {"id": "crm" if late else "old-system", "source": "laurel/import"}
            event = desk.event(type_, player, desk.now_ms - late, data, **more)
            sent.append(event)
        assert desk.outcome(event) == model.apply(event, desk.now_ms)


def compare(desk: Desk, model: Model, rules: Rules) -> None:
    assert set(desk.players) == set(model.created)
    for name, player in desk.players.items():
        observed, expected = desk.observed(name), model.player(name)
        expected["entries"].sort(key=lambda entry: entry["time_ms"] // MINUTE)
        for part in expected:
            assert observed[part] == expected[part], (name, part)
        days = sorted({one.day for one in model.known(name)})
        scores = boards.scores(player, days, rules)
        assert {board: score for board, (score, _) in scores.items()} == model.boards(name)
        reached = model.reached_at(name)
        for board, (_, reached_at) in scores.items():
            scope, _, period = board.partition("#")
            if scope in XP_BOARDS:
                assert reached_at == reached.get(period, 0), (name, board)
    assert desk.firsts == model.firsts


@given(steps=history, start=few(BOUNDARIES), before=few([0, 1, HOUR, 3 * DAY]))
@settings(max_examples=120)
def test_any_history_equals_the_model(busy_rules: Rules, steps: list[Any], start: int, before: int) -> None:
    desk, model = Desk(busy_rules, start - before), Model(busy_rules.ruleset)
    send_steps(desk, model, steps)
    compare(desk, model, busy_rules)


@given(steps=history, start=few(BOUNDARIES))
@settings(max_examples=30)
def test_any_history_under_the_default_ruleset_equals_the_model(rules: Rules, steps: list[Any], start: int) -> None:
    desk, model = Desk(rules, start), Model(rules.ruleset)
    send_steps(desk, model, steps)
    compare(desk, model, rules)


def dense(chance: random.Random, length: int, start: int) -> list[Any]:
    """Return a history that repeats the same days, pairs and names; it does not shrink, but far more happens."""

    def pick(*values: Any) -> Any:
        return chance.choice(values)

    def data(type_: str) -> dict[str, Any]:
        data = {
            "provider": pick("a", "b", ""),
            "model": pick("m1", "m2", "m3", "m3", "unknown"),
            "comboId": pick("k1", "k2", "", None),
        }
        data |= {"skillUsed": pick(True, False, "s1", "s2"), "status": pick("ok", "ok", "ok", "error")}
        data |= {"tokensSaved": chance.randrange(20), "cacheHit": pick(True, False), "caller": pick("c1", "c2", None)}
        must = {
            "to": pick(*others),
            "from": pick(*others),
            "amount": chance.randint(1, 60),
            "lessonId": pick("l1", "l2"),
        }
        must |= {
            "points": pick(-501, -400, -20, 0, 5, 60, 400),
            "reason": pick("x", "y", "z"),
            "badgeId": pick(*badge_ids),
        }
        must |= {"grantedBy": pick("g1", None), "key": pick("k1", "k2", None, None)}
        if must["grantedBy"]:
            must |= {"reserved": pick(True, None)}
        must |= {"xp": pick(0, 30, 700), "badges": {pick(*badge_ids[:4], "nonsense"): 0}, "balances": {"coins": 3}}
        must |= {"actions": {pick("request", "lesson"): chance.randint(1, 5)}}
        last = start // DAY + pick(-9, -3, -1, 0, 1)
        must |= {"streak": {"current": pick(0, 1, 4, 6), "longest": pick(6, 9), "lastDay": last}}
        must |= {"displayName": pick("Ada", "", " x", "Player #1", None), "private": pick(True, False, None)}
        data = data if type_ == "request.completed" else data | must
        return {name: value for name, value in data.items() if value is not None}

    types = ["request.completed"] * 8 + ["combo.created", "combo.used", "model.first_use", "lesson.completed"] * 2
    types += ["transfer.sent", "transfer.received", "award", "badge.granted", "badge.revoked", "tournament.won", "tea"]
    types += ["profile.changed", "player.hidden", "player.unhidden", *["player.imported"] * 2]
    return [
        (
            pick(*PLAYERS, "ada"),
            ((type_ := pick(*types)), data(type_)),
            pick(0, 0, MINUTE, HOUR, 5 * HOUR, DAY),
            pick(0, 0, 0, HOUR, DAY, 2 * DAY, 3 * DAY, 7 * DAY, 12 * DAY, -4 * MINUTE),
            pick(*["send"] * 8, "timeless", "again", "forget"),
        )
        for _ in range(length)
    ]


@pytest.mark.parametrize("seed", range(25))
def test_a_dense_history_equals_the_model(busy_rules: Rules, seed: int) -> None:
    chance = random.Random(seed)
    start = chance.choice(BOUNDARIES) - chance.choice([0, DAY, 5 * DAY])
    desk, model = Desk(busy_rules, start), Model(busy_rules.ruleset)
    send_steps(desk, model, dense(chance, 60, start))
    compare(desk, model, busy_rules)


@pytest.mark.parametrize("seed", range(5))
def test_a_long_history_equals_the_model(rules: Rules, seed: int) -> None:
    """Test weeks of one busy player: more models than are remembered, more names than sets hold, maxima, late days."""
    chance = random.Random(seed)
    desk, model = Desk(rules, BOUNDARIES[seed] - 20 * DAY), Model(rules.ruleset)
    steps = []
    for number in range(180):
        data = {
            "provider": f"p{chance.randrange(6)}",
            "model": f"m{chance.choice([chance.randrange(40), number, number])}",
            "skillUsed": f"s{chance.randrange(99)}",
            "tokensSaved": chance.randrange(9),
        }
        late = chance.choice([0, 0, 0, HOUR, 8 * HOUR, DAY, 3 * DAY, 7 * DAY])
        type_ = chance.choice(["request.completed"] * 6 + ["combo.created"])
        steps.append(
            (
                "ada",
                (type_, data),
                chance.choice([0, MINUTE, HOUR, 9 * HOUR]),
                late,
                chance.choice(["send"] * 9 + ["forget"]),
            )
        )
    send_steps(desk, model, steps)
    compare(desk, model, rules)
    assert len(desk.player().sets["models"]) == 64


# Any order ---------------------------------------------------------------------------------------------------------

FLAT = {
    "request.completed": "request",
    "combo.used": "combo_use",
    "compression.used": "compression_use",
    "skill.executed": "skill_use",
    "referral.redeemed": "referral",
    "tournament.won": "tournament_win",
    "tournament.lost": "tournament_loss",
}
UNORDERED = ("provider_switch", "model_diversity", "streak_milestone", "badge_earned")


@given(
    events_sent=st.lists(
        st.tuples(
            few([*FLAT, "transfer.sent", "transfer.received", "lesson.completed", "award"]), request_data, lateness
        ),
        min_size=2,
        max_size=25,
    ),
    shuffle=st.randoms(use_true_random=False),
)
@settings(max_examples=60)
def test_flat_totals_counters_stats_and_days_are_the_same_for_every_order(
    rules: Rules, events_sent: list[Any], shuffle: random.Random
) -> None:
    first, second = Desk(rules, BOUNDARIES[0]), Desk(rules, BOUNDARIES[0])
    must = {"to": "eve", "from": "eve", "amount": 7, "lessonId": "l", "points": 5, "reason": "r"}
    events = [first.event(type_, "ada", first.now_ms - late, must | data) for type_, data, late in events_sent]
    shuffled = list(events)
    shuffle.shuffle(shuffled)
    outcomes = [sorted(desk.outcome(event) for event in order) for desk, order in ((first, events), (second, shuffled))]
    assert outcomes[0] == outcomes[1]
    assert _unordered(first) == _unordered(second)


def _unordered(desk: Desk) -> dict[str, Any]:
    observed = desk.observed()
    flat = {*FLAT.values(), "daily_login", "lesson", "token_share", "award"}
    paid: dict[str, int] = {}
    for entry in observed["entries"]:
        for action, xp in entry["paid"].items():
            if action in flat:
                paid[action] = paid.get(action, 0) + xp
    figures = {day: {**figure, "xp": 0} for day, figure in observed["figures"].items()}
    return {
        "paid": paid,
        "counters": {name: count for name, count in observed["counters"].items() if name not in UNORDERED},
        "stats": observed["stats"],
        "sets": {unique: sorted(names_) for unique, names_ in observed["sets"].items()},
        "active_days": observed["active_days"],
        "longest": observed["longest"],
        "award_xp": observed["award_xp"],
        "figures": {day: figure for day, figure in figures.items() if any(figure.values())},
    }


# The model itself --------------------------------------------------------------------------------------------------


BREAKS: dict[str, Callable[[Model], Any]] = {
    "a payment": lambda model: model.rules["actions"]["request"].update(xp=2),
    "a maximum": lambda model: model.rules["actions"]["combo_create"].update(daily_max=1),
    "a milestone": lambda model: model.rules["streaks"]["milestones"].append(4),
    "a level": lambda model: model.thresholds.insert(1, 9),
    "a badge": lambda model: model.badges["week-warrior"]["criterion"].update(days=8),
}


def lived(rules: Rules, model: Model, steps: list[Any]) -> None:
    desk = Desk(rules, BOUNDARIES[0])
    send_steps(desk, model, steps)
    compare(desk, model, rules)


@pytest.mark.parametrize("what", BREAKS)
def test_the_comparison_can_fail(rules: Rules, what: str) -> None:
    steps = [("ada", ("request.completed", {}), DAY, 0, "send") for _ in range(7)]
    steps += [("ada", ("combo.created", {}), 0, 0, "send") for _ in range(2)]
    lived(rules, Model(rules.ruleset), steps)
    BREAKS[what](broken := Model(rules.ruleset))
    with pytest.raises(AssertionError):
        lived(rules, broken, steps)
