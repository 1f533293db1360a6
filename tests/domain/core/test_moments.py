"""Instants in requests and events: RFC 3339, cut to the millisecond, within the calendar, in every such member."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.core.errors import RejectedEvent
from chalicelib.domain.core.moments import FIRST_MS, LAST_MS, Moment, decode_moment, instant_of, moment_text
from chalicelib.domain.core.periods import DAY_MS, day_name, day_of, moment_name
from chalicelib.domain.core.settings import RulesetSettings
from chalicelib.domain.events.event import Delivery, parse
from chalicelib.domain.events.formats import canonical_json, normalise
from tests.domain.progress.desk import DAY, NOON

NOON_TEXT = "2026-05-19T12:00:00Z"
# The last millisecond of 2016, which ended with a leap second.
END_OF_2016 = 1_483_228_799_999


class Holder(msgspec.Struct):
    moment: Moment | None = None


def ms(text: str) -> int:
    return instant_of(text).ms


@given(
    moment=st.datetimes(timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))),
    finer=st.text("0123456789", max_size=12),
)
def test_an_instant_is_cut_to_its_millisecond_in_any_offset(moment: datetime, finer: str) -> None:
    exact = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    offset = moment.isoformat()[-6:]
    text = f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}{finer}{offset}"
    if FIRST_MS <= exact <= LAST_MS:
        assert ms(text) == exact
        assert instant_of(moment_name(exact)).ms == instant_of(moment_text(instant_of(text))).ms == exact
    else:
        with pytest.raises(ValueError, match="1 to 9999"):
            instant_of(text)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-05-19t12:00:00z", NOON),
        ("2026-05-19 12:00:00Z", NOON),
        ("2026-05-19T14:00:00+0200", NOON),
        ("2026-05-19T12:00:00-00:00", NOON),
        ("2026-05-19T12:00:00.1Z", NOON + 100),
        ("2026-05-19T12:00:00.01Z", NOON + 10),
        ("1969-12-31T23:59:59.9999999Z", -1),
        ("2026-11-26T23:59:59.9999996Z", 1_795_737_599_999),
        ("9999-12-31T23:59:59.9999999Z", LAST_MS),
        ("0001-01-01T00:00:00Z", FIRST_MS),
        ("0001-01-01T00:00:00-23:59", FIRST_MS + 1439 * 60_000),
    ],
)
def test_instants(text: str, same: int) -> None:
    assert ms(text) == same


@pytest.mark.parametrize(
    "text",
    ["2016-12-31T23:59:60Z", "2016-12-31T23:59:60.75Z", "2017-01-01T05:29:60+05:30", "2016-12-31T18:59:60.999-05:00"],
)
def test_a_leap_second_is_the_last_millisecond_of_its_day(text: str) -> None:
    assert ms(text) == END_OF_2016
    assert day_name(day_of(ms(text))) == "2016-12-31"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must be a time such as"),
        ("yesterday", "must be a time such as"),
        ("2026-05-19", "must be a time such as"),
        ("20260519T120000Z", "must be a time such as"),
        ("2026-05-19T12:00Z", "must be a time such as"),
        ("2026-05-19T24:00:00Z", "must be a time such as"),
        ("2026-05-19T12:60:00Z", "must be a time such as"),
        ("2026-05-19T12:00:61Z", "must be a time such as"),
        ("2026-05-19T12:00:00.Z", "must be a time such as"),
        ("2026-05-19T12:00:00,5Z", "must be a time such as"),
        ("2026-05-19T12:00:00+24:00", "must be a time such as"),
        ("2026-05-19T12:00:00+02", "must be a time such as"),
        ("2026-05-19T12:00:00Z\n", "must be a time such as"),
        (" 2026-05-19T12:00:00Z", "must be a time such as"),
        ("٢٠٢٦-05-19T12:00:00Z", "must be a time such as"),
        ("2026-05-19T12:00:00", "must have an offset"),
        ("2026-02-29T12:00:00Z", "must be a date of the calendar"),
        ("2026-13-01T12:00:00Z", "must be a date of the calendar"),
        ("0000-12-31T23:00:00-02:00", "must be a date of the calendar"),
        ("2016-12-31T23:58:60Z", "a second below 60"),
        ("2016-12-31T23:59:60+01:00", "a second below 60"),
        ("9999-12-31T23:59:59-01:00", "1 to 9999"),
        ("9999-12-31T23:59:60-00:01", "a second below 60"),
        ("0001-01-01T00:00:00+14:00", "1 to 9999"),
    ],
)
def test_a_text_that_is_no_instant_is_refused_with_its_member(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        instant_of(text)
    with pytest.raises(msgspec.ValidationError, match=re.escape(says)) as refused:
        msgspec.convert({"moment": text}, Holder, dec_hook=decode_moment)
    assert "`$.moment`" in str(refused.value)


@pytest.mark.parametrize("raw", [1779192000, 1779192000.5, True, [], {}])
def test_only_a_text_is_an_instant(raw: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"must be a string .* - at `\$\.moment`"):
        msgspec.convert({"moment": raw}, Holder, dec_hook=decode_moment)


def test_the_hook_reads_no_other_type() -> None:
    with pytest.raises(NotImplementedError):
        decode_moment(complex, "1")


@pytest.mark.parametrize("edge", [FIRST_MS, LAST_MS, NOON])
def test_every_instant_has_a_name(edge: int) -> None:
    assert len(moment_name(edge)) == len("2026-05-19T12:00:00.000Z")
    assert ms(moment_name(edge)) == edge


FORMS: dict[str, dict[str, Any]] = {
    "canonical": {"specversion": "1.0", "id": "1", "source": "s", "type": "request.completed", "subject": "ada"},
    "gateway": {"type": "request.completed", "apiKeyId": "ada"},
    "award": {"event": "award", "properties": {"username": "ada", "points": 1, "reason": "r"}},
}
TIMES = {"canonical": "time", "gateway": "time", "award": "timestamp"}
LATE = "2026-05-19T23:59:59.9999996Z"


@pytest.mark.parametrize("form", FORMS)
def test_an_event_of_any_form_stays_on_its_day(form: str) -> None:
    raw = FORMS[form] | {TIMES[form]: LATE}
    midnight = (NOON // DAY + 1) * DAY_MS
    read = parse(raw, Delivery("m", midnight), RulesetSettings(), midnight)
    assert read.time_ms == midnight - 1
    assert canonical_json(normalise(raw, "m"))["time"] == "2026-05-19T23:59:59.999Z"
    redriven = parse(FORMS[form] | {"receivedAt": LATE}, Delivery("m", midnight), RulesetSettings(), midnight)
    assert redriven.received_ms == redriven.time_ms == midnight - 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+14:00"])
def test_an_event_beyond_the_calendar_is_rejected(form: str, text: str) -> None:
    for member in (TIMES[form], "receivedAt"):
        with pytest.raises(RejectedEvent, match="1 to 9999") as rejected:
            parse(FORMS[form] | {member: text}, Delivery("m", NOON), RulesetSettings(), NOON)
        assert rejected.value.reason == "invalid_event"
        assert rejected.value.sentence.startswith(f"'{member}'")


def test_a_canonical_event_keeps_its_identity_and_is_no_longer_than_it_was() -> None:
    raw = FORMS["canonical"] | {"time": NOON_TEXT}
    again = canonical_json(normalise(raw, "m"))
    assert again["time"] == NOON_TEXT
    read = [parse(each, Delivery("m", NOON), RulesetSettings(), NOON) for each in (raw, again)]
    assert read[0].identity == read[1].identity
