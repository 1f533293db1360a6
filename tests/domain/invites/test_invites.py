from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.core.errors import Gone
from chalicelib.domain.invites import invites
from chalicelib.domain.invites.invites import ALPHABET, Invite, code_of, parse_code, shown_code, token_digest, token_of

RANDOM = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")
CODES = st.text(ALPHABET, min_size=8, max_size=8)
AMBIGUOUS = "01OIL"


@given(CODES, st.booleans(), st.randoms(use_true_random=False), st.sampled_from(["", " ", "\t", " \n", "\u00a0"]))
def test_a_code_is_known_however_it_is_typed(code: str, dashed: bool, rng: object, space: str) -> None:
    typed = "".join(getattr(rng, "choice")((letter, letter.lower())) for letter in code)  # noqa: B009
    typed = f"{typed[:4]}-{typed[4:]}" if dashed else typed
    assert parse_code(f"{space}{typed}{space}") == code
    assert parse_code(shown_code(code)) == code


@given(st.text(max_size=20))
def test_another_text_is_no_code(text: str) -> None:
    parsed = parse_code(text)
    if parsed is not None:
        assert parsed == text.strip().replace("-", "", 1).upper()
        assert set(parsed) <= set(ALPHABET)
        assert len(parsed) == 8


@pytest.mark.parametrize(
    "text",
    ["", "A3K9", "A3K9-X7M", "A3K9-X7M22", "A3K-9X7M2", "A3K9--X7M2", "A3K9 X7M2", "-A3K9X7M2", "A3K9–X7M2", "A3K9X7Mſ"]
    + [f"A3K9-X7M{letter}" for letter in AMBIGUOUS + AMBIGUOUS.lower()],
)
def test_a_text_with_a_letter_outside_the_alphabet_is_no_code(text: str) -> None:
    assert parse_code(text) is None


def test_the_letters() -> None:
    assert len(set(ALPHABET)) == len(ALPHABET) == 31
    assert not set(AMBIGUOUS) & set(ALPHABET)
    assert parse_code("a3k9-x7m2") == "A3K9X7M2"


@given(RANDOM)
def test_a_code_has_each_letter_as_likely(random: str) -> None:
    """Test that a whole number of times as many inputs as codes give a code, and that the rest give none."""
    code, used = code_of(random), 2**128 // 31**8 * 31**8
    assert (code is None) == (int(random, 16) >= used)
    if code is not None:
        place = sum(ALPHABET.index(letter) * 31**at for at, letter in enumerate(code))
        assert place == int(random, 16) % 31**8


def test_the_ends_of_the_used_inputs() -> None:
    used = 2**128 // 31**8 * 31**8
    assert (code_of(f"{0:032x}"), code_of(f"{used - 1:032x}")) == ("22222222", "ZZZZZZZZ")
    assert code_of(f"{used:032x}") is code_of("f" * 32) is None


@given(RANDOM, RANDOM)
def test_a_token_is_32_bytes_in_43_letters(first: str, second: str) -> None:
    token = token_of(first + second)
    assert len(token) == 43
    assert token_digest(token) == sha256(token.encode()).hexdigest()


@pytest.mark.parametrize(
    "text", ["", "A" * 42, "A" * 44, "A" * 43 + "\n", "A" * 42 + "=", "A" * 42 + "é", " " + "A" * 43]
)
def test_other_texts_are_no_tokens(text: str) -> None:
    assert token_digest(text) is None


@pytest.mark.parametrize(
    ("used", "now", "state"),
    [
        (0, 0, "open"),
        (1, 999, "open"),
        (2, 999, "used_up"),
        (1, 1000, "expired"),
        (2, 1000, "expired"),
    ],
)
def test_until_when_an_invite_is_open(used: int, now: int, state: str) -> None:
    invite = Invite("A3K9X7M2", "a", "p", "d", 2, used, 0, 1000)
    assert invite.state(now) == state
    if state == "open":
        invite.check(now)
    else:
        with pytest.raises(Gone) as gone:
            invite.check(now)
        assert gone.value.code == f"invite_{state}"


@pytest.mark.parametrize(("now", "left"), [(0, 60), (1, 60), (59_000, 1), (59_001, 1), (60_000, 60)])
def test_seconds_left_of_the_minute(now: int, left: int) -> None:
    assert invites.seconds_left(now) == left


def test_a_referral_is_identified_by_both_players() -> None:
    ids = {invites.referral_id(*pair) for pair in (("a", "b"), ("b", "a"), ("a", "c"), ("ab", ""))}
    assert len(ids) == 4
