"""The boundary: three forms, arrays, ids, ages, identities; what is refused, and why."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.core.settings import RulesetSettings
from chalicelib.domain.events import event as events
from chalicelib.domain.events import formats
from chalicelib.domain.events.event import OWN_TYPES, Delivery, Event, parse, split
from chalicelib.domain.events.formats import canonical_json, normalise
from chalicelib.domain.events.payloads import (
    OPTIONAL_TEXTS,
    PAYLOADS,
    Award,
    LessonCompleted,
    Payload,
    RequestCompleted,
    TransferSent,
)
from chalicelib.domain.rules.ruleset import Rules
from tests.domain.progress.desk import DAY, HOUR, MINUTE, NOON

NOON_TEXT = "2026-05-19T12:00:00Z"


def cloud(**more: Any) -> dict[str, Any]:
    body = {
        "specversion": "1.0",
        "id": "01J",
        "source": "gateway/eu-1",
        "type": "request.completed",
        "subject": "ada",
        "time": NOON_TEXT,
        "data": {"provider": "openai", "model": "gpt"},
    } | more
    return {name: value for name, value in body.items() if value is not None}


def award(**properties: Any) -> dict[str, Any]:
    given_ = {"username": "ada", "points": 50, "reason": "merged a fix"} | properties
    return {"event": "award", "distinct_id": "device-7", "properties": given_}


def read(raw: Any, *, received: int = NOON, now: int | None = None, index: int = 0, **delivery: bool) -> Event:
    here = Delivery("msg-1", received, index, **delivery)
    return parse(raw, here, RulesetSettings(), received if now is None else now)


def reason_of(raw: Any, **how: Any) -> str:
    with pytest.raises(RejectedEvent) as caught:
        read(raw, **how)
    assert str(caught.value) == caught.value.sentence
    return caught.value.reason


# The canonical form ------------------------------------------------------------------------------------------------


def test_the_canonical_form() -> None:
    event = read(cloud())
    assert (event.player, event.source, event.id, event.type) == ("ada", "gateway/eu-1", "01J", "request.completed")
    assert (event.time_ms, event.received_ms, event.keyed) == (NOON, NOON, False)
    assert event.data == {"provider": "openai", "model": "gpt"}
    assert isinstance(event.payload, RequestCompleted)
    assert event.payload.provider == "openai"


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-05-19T12:00:00Z", NOON),
        ("2026-05-19T14:00:00+02:00", NOON),
        ("2026-05-18T23:30:00-12:30", NOON),
        ("2026-05-19T12:00:00.123Z", NOON + 123),
        ("2026-05-19T12:00:00.123999Z", NOON + 123),
        ("2026-05-19T12:00:00.1239999999Z", NOON + 123),
    ],
)
def test_any_offset_is_accepted_and_kept_as_milliseconds(text: str, ms: int) -> None:
    assert read(cloud(time=text)).time_ms == ms


@pytest.mark.parametrize(
    ("change", "reason", "says"),
    [
        ({"specversion": "0.3"}, "invalid_event", "specversion"),
        ({"specversion": 1}, "invalid_event", "specversion"),
        ({"id": ""}, "invalid_event", "'id'"),
        ({"id": "x" * 129}, "invalid_event", "'id'"),
        ({"id": "a\nb"}, "invalid_event", "'id'"),
        ({"id": 7}, "invalid_event", "'id'"),
        ({"id": None}, "invalid_event", "id"),
        ({"source": ""}, "invalid_event", "'source'"),
        ({"source": "x" * 129}, "invalid_event", "'source'"),
        ({"source": "tab\t"}, "invalid_event", "'source'"),
        ({"type": "bell\x07"}, "invalid_event", "'type'"),
        ({"type": ""}, "invalid_event", "'type'"),
        ({"subject": ""}, "invalid_event", "'subject'"),
        ({"subject": "two words"}, "invalid_event", "'subject'"),
        ({"subject": "ada\n"}, "invalid_event", "'subject'"),
        ({"subject": "x" * 129}, "invalid_event", "'subject'"),
        ({"subject": "ädä"}, "invalid_event", "'subject'"),
        ({"time": "2026-05-19T12:00:00"}, "invalid_event", "'time' must have an offset"),
        ({"time": "yesterday"}, "invalid_event", "'time'"),
        ({"time": 1779192000}, "invalid_event", "'time'"),
        ({"data": []}, "invalid_event", "'data'"),
        ({"data": {"tokensIn": True}}, "invalid_data", "'data.tokensIn'"),
        ({"data": {"tokensIn": 1.5}}, "invalid_data", "'data.tokensIn'"),
        ({"data": {"tokensIn": -1}}, "invalid_data", "'data.tokensIn'"),
        ({"data": {"tokensIn": 10**12 + 1}}, "invalid_data", "'data.tokensIn'"),
        ({"data": {"tokensIn": 10**40}}, "invalid_data", "'data.tokensIn'"),
        ({"data": {"status": "fine"}}, "invalid_data", "'data.status'"),
        ({"data": {"cacheHit": 1}}, "invalid_data", "'data.cacheHit'"),
        ({"data": {"model": "x" * 129}}, "invalid_data", "'data.model'"),
        ({"type": "transfer.sent", "data": {"amount": 5}}, "invalid_data", "to"),
        ({"type": "transfer.sent", "data": {"to": "bob\n", "amount": 5}}, "invalid_data", "'data.to'"),
        ({"type": "transfer.sent", "data": {"to": "bob", "amount": 0}}, "invalid_data", "'data.amount'"),
        ({"type": "lesson.completed", "data": {}}, "invalid_data", "lessonId"),
    ],
)
def test_a_malformed_event_is_rejected_with_its_reason(change: dict[str, Any], reason: str, says: str) -> None:
    with pytest.raises(RejectedEvent) as caught:
        read(cloud(**change), own=True)
    assert caught.value.reason == reason
    assert says in caught.value.sentence


@pytest.mark.parametrize("player", ["a", "x" * 128, "A-Za-z0-9._:@-", "ada@example.org"])
def test_player_ids(player: str) -> None:
    assert read(cloud(subject=player)).player == player


def test_ids_and_sources_are_up_to_128_printable_characters() -> None:
    event = read(cloud(id="é" * 128, source="a b " * 32))
    assert (len(event.id), len(event.source)) == (128, 128)


@pytest.mark.parametrize("raw", [{"nonsense": 1}, 7, None, "text", [], {"event": "other"}, {}])
def test_other_values_are_no_events(raw: Any) -> None:
    assert reason_of(raw) == "not_an_event"


def test_quantities_up_to_ten_to_the_twelve_and_unknown_members_are_fine() -> None:
    event = read(cloud(data={"tokensIn": 10**12, "whatever": [1, {"a": 10**40}], "tokensOut": None}))
    assert event.payload.tokens_in == 10**12
    assert "tokensOut" not in event.data


def test_an_event_has_at_most_16_kb() -> None:
    room = formats.MAX_EVENT_BYTES - len(json.dumps(cloud(data={"note": ""}), separators=(",", ":")))
    assert read(cloud(data={"note": "x" * room})).data["note"]
    assert reason_of(cloud(data={"note": "x" * (room + 1)})) == "too_large"
    redriven = cloud(data={"note": "x" * (room + 1)}, receivedAt=NOON_TEXT)
    assert read(redriven).data["note"]


def test_an_event_nests_at_most_20_levels() -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: Any = 1
        for _ in range(levels - 2):
            value = [value]
        return cloud(data={"deep": value})

    assert read(nested(20))
    assert reason_of(nested(21)) == "too_deep"


# The short forms ---------------------------------------------------------------------------------------------------


def test_the_gateway_form() -> None:
    raw = {"type": "request.completed", "apiKeyId": "ada", "metadata": {"model": "gpt"}}
    event = read(raw, index=3)
    assert (event.player, event.source, event.id, event.data) == ("ada", "gateway", "msg-1/3", {"model": "gpt"})
    assert (event.time_ms, event.keyed) == (NOON, True)
    full = read(raw | {"id": "e1", "time": NOON_TEXT, "source": "gateway/eu-1", "metadata": cloud()["data"]})
    same = read(cloud(id="e1"))
    assert (full.identity, full.body, full.keyed) == (same.identity, same.body, False)


def test_the_awards_form() -> None:
    event = read(award(grantedBy="carl", key="k-1") | {"timestamp": NOON_TEXT})
    assert (event.type, event.player, event.source, event.id) == ("award", "ada", "awards", "k-1")
    assert isinstance(event.payload, Award)
    assert event.payload == Award(
        points=50, reason="merged a fix", granted_by="carl", key="k-1", distinct_id="device-7"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"points": "50"}, "invalid_event"),
        ({"points": True}, "invalid_event"),
        ({"points": 1.5}, "invalid_event"),
        ({"reason": ""}, "invalid_event"),
        ({"reason": "x" * 201}, "invalid_event"),
        ({"username": "no body"}, "invalid_event"),
        ({"key": "x" * 129}, "invalid_event"),
    ],
)
def test_a_malformed_award(change: dict[str, Any], reason: str) -> None:
    assert reason_of(award(**change)) == reason


@pytest.mark.parametrize(
    "raw",
    [
        cloud(),
        cloud(time=None),
        {"type": "x", "apiKeyId": "ada", "metadata": {"a": 1}},
        award(),
        award(key="k") | {"timestamp": NOON_TEXT},
        award() | {"timestamp": NOON_TEXT, "source": "hr"},
    ],
)
def test_normalising_twice_changes_nothing(raw: dict[str, Any]) -> None:
    once = normalise(raw, "msg/0")
    again = normalise(canonical_json(once), "other/9")
    assert again == once
    assert canonical_json(once)["specversion"] == "1.0"


# Arrays ------------------------------------------------------------------------------------------------------------


def test_a_message_is_one_event_or_an_array_of_up_to_500() -> None:
    assert split('{"a":1}') == [{"a": 1}]
    assert split('[{"a":1},2]') == [{"a": 1}, 2]
    assert len(split(json.dumps([1] * 500))) == 500


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (json.dumps([1] * 501), "too_many_events"),
        ("[]", "empty_array"),
        ("", "not_json"),
        ("{", "not_json"),
        ('{"a":NaN}', "not_json"),
        ('{"a":Infinity}', "not_json"),
        ('{"a":1e400}', "not_json"),
        ("1" * 5000, "not_json"),
        ("[" * 100_000, "not_json"),
        ("[" * 300 + "]" * 300, "too_deep"),
    ],
)
def test_a_body_that_cannot_be_split(body: str, reason: str) -> None:
    with pytest.raises(RejectedEvent) as caught:
        split(body)
    assert caught.value.reason == reason


# Whose types -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", sorted(OWN_TYPES))
def test_laurels_own_types_are_refused_elsewhere(type_: str) -> None:
    data = {"to": "bob", "from": "bob", "amount": 5, "badgeId": "generous"}
    data |= {"scope": "weekly", "period": "2026-W21", "rank": 1, "total": 60}
    assert reason_of(cloud(type=type_, data=data)) == "own_type"
    assert reason_of(cloud(type=type_, data=data), backfill=True) == "own_type"
    assert read(cloud(type=type_, data=data), own=True).type == type_


def test_the_own_types_of_the_specification_are_among_them() -> None:
    named = {"transfer.sent", "referral.redeemed", "badge.earned", "streak.milestone", "level.up"}
    assert named <= OWN_TYPES


def test_an_unknown_type_is_no_error() -> None:
    assert read(cloud(type="coffee.brewed", data={"cups": 3})).type == "coffee.brewed"


def test_each_type_has_its_payload() -> None:
    assert read(cloud(type="lesson.completed", data={"lessonId": "l1"})).payload == LessonCompleted(lesson_id="l1")
    sent = read(cloud(type="transfer.sent", data={"to": "bob", "amount": 7}), own=True)
    assert sent.payload == TransferSent(to="bob", amount=7)


# Age ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_ms", "reason"),
    [
        (0, ""),
        (7 * DAY, ""),
        (7 * DAY + 1, "too_old"),
        (-5 * MINUTE, ""),
        (-5 * MINUTE - 1, "too_far_ahead"),
    ],
)
def test_age_is_received_at_minus_time(age_ms: int, reason: str) -> None:
    received = NOON + age_ms
    if reason:
        assert reason_of(cloud(), received=received) == reason
    else:
        assert read(cloud(), received=received, now=received + 3 * DAY).time_ms == NOON


def test_later_delays_do_not_change_the_age_of_an_event() -> None:
    assert reason_of(cloud(), received=NOON - 6 * MINUTE, now=NOON + HOUR) == "too_far_ahead"
    assert read(cloud(), received=NOON + 6 * DAY, now=NOON + 20 * DAY).time_ms == NOON


def test_backfill_lifts_the_seven_days_but_not_the_five_minutes() -> None:
    assert read(cloud(time="2000-01-01T00:00:00Z"), backfill=True).time_ms == events.BACKFILL_FROM_MS
    assert reason_of(cloud(time="1999-12-31T23:59:59Z"), backfill=True) == "too_old"
    assert reason_of(cloud(), received=NOON - 6 * MINUTE, backfill=True) == "too_far_ahead"


def test_the_bounds_are_settings() -> None:
    settings = RulesetSettings(max_age_days=1, max_ahead_seconds=10)
    parse(cloud(), Delivery("m", NOON + DAY), settings, NOON + DAY)
    for received in (NOON + DAY + 1, NOON - 10_001):
        with pytest.raises(RejectedEvent):
            parse(cloud(), Delivery("m", received), settings, received)


def test_a_redriven_event_keeps_its_age() -> None:
    late = NOON + 30 * DAY
    assert reason_of(cloud(), received=late) == "too_old"
    redriven = read(cloud(receivedAt="2026-05-19T13:00:00Z"), received=late)
    assert (redriven.received_ms, redriven.identity) == (NOON + HOUR, read(cloud()).identity)


def test_a_claimed_receipt_is_never_later_than_the_queue_s() -> None:
    assert read(cloud(receivedAt="2026-05-19T13:00:00Z")).received_ms == NOON


def test_an_event_older_than_the_duplicate_records_is_rejected() -> None:
    assert reason_of(cloud(receivedAt=NOON_TEXT), received=NOON + 61 * DAY) == "redriven_too_late"
    assert read(cloud(receivedAt=NOON_TEXT), received=NOON + 60 * DAY)


# Identity ----------------------------------------------------------------------------------------------------------


def test_identity_is_source_id_and_time() -> None:
    same = read(cloud(data={"provider": "other"}))
    assert same.identity == read(cloud()).identity
    assert same.body != read(cloud()).body
    assert read(cloud(time="2026-05-19T14:00:00+02:00")).identity == same.identity
    others = [cloud(id="02J"), cloud(source="gateway/us-1"), cloud(time="2026-05-19T12:00:00.001Z"), cloud(time=None)]
    assert len({read(other).identity for other in others} | {same.identity}) == 5


def test_without_time_identity_is_source_and_id_and_it_happened_when_first_received() -> None:
    first, again = read(cloud(time=None)), read(cloud(time=None), received=NOON + HOUR)
    assert (first.keyed, first.time_ms, again.time_ms) == (True, NOON, NOON + HOUR)
    assert first.identity == again.identity != read(cloud(time=None, id="02J")).identity


def test_the_digest_of_a_body_covers_type_and_data_in_any_order() -> None:
    assert (
        read(cloud(data={"a": 1, "b": {"c": 2, "d": 3}})).body == read(cloud(data={"b": {"d": 3, "c": 2}, "a": 1})).body
    )
    assert read(cloud(type="combo.created")).body != read(cloud()).body
    assert read(cloud(data={"a": None})).body == read(cloud(data={})).body == read(cloud(data=None)).body


def test_an_award_with_a_key_has_the_key_as_its_identity() -> None:
    first = read(award(key="k") | {"timestamp": NOON_TEXT})
    again = read(award(key="k", points=9, reason="other") | {"timestamp": "2026-05-19T11:00:00Z"})
    without = read(award(key="k"))
    assert first.identity == again.identity == without.identity
    assert (first.keyed, again.keyed) == (True, True)
    assert first.body != again.body
    canonical = cloud(type="award", source="awards", id="own", data={"points": 50, "reason": "x", "key": "k"})
    assert read(canonical).identity == first.identity


def test_an_award_without_a_key_has_reason_and_timestamp_as_its_identity() -> None:
    first = read(award() | {"timestamp": NOON_TEXT}, index=1)
    same = read(award(points=60) | {"timestamp": NOON_TEXT}, index=2)
    assert first.identity == same.identity
    assert not first.keyed
    assert read(award(reason="other") | {"timestamp": NOON_TEXT}).identity != first.identity
    assert read(award() | {"timestamp": "2026-05-19T11:59:59Z"}).identity != first.identity
    canonical = cloud(type="award", source="awards", id="own", data={"points": 50, "reason": "merged a fix"})
    assert read(canonical).identity == first.identity


def test_an_award_with_neither_has_the_message_as_its_identity() -> None:
    assert read(award(), index=1).identity == read(award(), index=1, received=NOON + 1).identity
    assert read(award(), index=1).identity != read(award(), index=2).identity


@given(
    raw=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from([*cloud(), "apiKeyId", "metadata", "event", "properties", "receivedAt", "x"]),
                inner
                | st.sampled_from(["1.0", NOON_TEXT, "ada", "award", {"points": 1, "username": "u", "reason": "r"}]),
                max_size=9,
            )
        ),
        max_leaves=12,
    )
)
def test_anything_is_either_an_event_or_rejected(rules: Rules, raw: Any) -> None:
    with suppress(RejectedEvent):
        assert parse(raw, Delivery("m", NOON), rules.settings, NOON).player


# What says nothing -------------------------------------------------------------------------------------------------


def texts_of(kind: type[Payload], *, required: bool) -> set[str]:
    """Return the members of a payload that take a text, either the required or the optional ones."""
    return {
        each.encode_name
        for each in msgspec.structs.fields(kind)
        if each.required is required and takes_text(msgspec.inspect.type_info(each.type))
    }


def takes_text(kind: Any) -> bool:
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(takes_text(part) for part in kind.types)
    return isinstance(kind, msgspec.inspect.StrType | msgspec.inspect.LiteralType)


def test_every_optional_text_may_be_blank_and_no_other_member() -> None:
    kinds = {Payload, *PAYLOADS.values()}
    optional = set().union(*(texts_of(kind, required=False) for kind in kinds))
    # A player who goes by no name says so with an empty one.
    assert optional - {"displayName"} == OPTIONAL_TEXTS
    assert not OPTIONAL_TEXTS & set().union(*(texts_of(kind, required=True) for kind in kinds))


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u2003"])
@pytest.mark.parametrize("member", sorted(OPTIONAL_TEXTS))
def test_a_blank_optional_text_counts_as_absent(member: str, blank: str) -> None:
    for type_, must in (("request.completed", {}), ("award", {"points": 1, "reason": "r"}), ("combo.used", {})):
        plain, said = (read(cloud(type=type_, data=must | more)) for more in ({}, {member: blank}))
        assert said.payload == plain.payload
        assert said.given == plain.given == must
        assert (said.identity, said.keyed) == (plain.identity, plain.keyed)


@pytest.mark.parametrize("member", ["tokensIn", "cacheHit", "latencyMs"])
def test_a_blank_number_or_switch_is_refused(member: str) -> None:
    assert reason_of(cloud(data={member: ""})) == "invalid_data"


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("lesson.completed", {"lessonId": ""}),
        ("award", {"points": 1, "reason": ""}),
        ("transfer.sent", {"to": "", "amount": 1}),
    ],
)
def test_a_blank_text_that_is_needed_is_refused(type_: str, data: dict[str, Any]) -> None:
    assert reason_of(cloud(type=type_, data=data), own=True) == "invalid_data"


def test_an_event_with_blanks_is_the_same_event_when_it_comes_again() -> None:
    raw = cloud(data={"model": "", "provider": " ", "comboId": "", "tokensIn": 3})
    first, again, by_http = read(raw), read(dict(raw)), read(canonical_json(normalise(raw, "m")))
    assert first.identity == again.identity == by_http.identity
    assert first.body == again.body == by_http.body
    assert first.data == {"model": "", "provider": " ", "comboId": "", "tokensIn": 3}
    # What was applied before blanks said nothing is still known by the same digests.
    named = read(cloud(data={"model": "unknown"}))
    assert named.body == "wGPnZ8Nu"
    assert named.given == {}


def test_empty_members_next_to_the_data_count_as_absent() -> None:
    short = {"type": "request.completed", "apiKeyId": "ada"}
    said = short | {"id": "", "source": "", "time": "", "receivedAt": ""}
    assert read(said) == read(short)
    plain, empty = award(), award(grantedBy="", key="") | {"distinct_id": "", "timestamp": "", "source": ""}
    del plain["distinct_id"]
    assert read(empty) == read(plain)
    assert read(cloud(time="", receivedAt="")) == read(cloud(time=None))
    assert read(cloud(type="award", data={"points": 1, "reason": "r", "key": ""})).keyed is False
    assert reason_of(cloud(id="")) == reason_of(cloud(source="")) == "invalid_event"
