"""Visible names that cannot be mistaken for a masked player's."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.identity.names import MAX_NAME, chosen_name, is_mask, private_name, tidy
from chalicelib.domain.identity.unicode_tables import IGNORABLE, LOOKALIKES, PICTOGRAPHIC
from chalicelib.domain.identity.visible_text import is_visible
from infra.unicode import main

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

# Characters that meet in every rule, more often than chance would have them meet.
SPECIAL = st.sampled_from(
    "aZ0*# \u00a0\u3000\u0301\u0302\u0345\u20e3\u200c\u200d\ufe0e\ufe0f\u034f\u115f\u3164\u2800\u00ad\u202e\u0915\u094d"
    "\u0627\u1820\u180b\u180e\u845b\U000e0100\U0001f3f4\U000e0067\U000e007f\U0001f469\U0001f4bb\U0001f3fd\u2764\U0001fae9"
)
texts = st.text(st.one_of(st.characters(), SPECIAL), max_size=60)


@pytest.mark.parametrize(
    "text",
    [
        "\u3164", "\uffa0", "\u115f\u1160", "\u034f", "\u17b4", "\u2065", "\u180e", "\U000e0041", "\U000e0100",
        "\ufe0f", "a\ufe0f", "Baz\u3164", "Ada\U000e0100", "\u180b", "a\u180b", "\u4e00\U000e01f0", "\u2800",
        "\ufffc", "\U0001d159", "a\u2800", "\u200d", "Baz\u200d", "\u200dBaz", "Ba\u200dz", "B\u200c",
        "a\u00adb", "a\u200bb", "a\u2060b", "\ufeffa", "\u0627\u200c", "\u200c\u0627",
        "\u0627\u200c\u200c\u0628", "\U0001f469\u200d", "\U0001f469\u200da", "\u202eanna", "a\u2066b",
        "a\u061cb", "two\nlines", "a\tb", "a\x00", "a\u2028b", "\ue000", "\ud800", "\uffff", "\u0301",
        " \u0301a", "a \u0301b", "\u093e", "\u20e3", "Z" + "\u0301" * 49, "Z\u0301\u0302\u0303\u0304\u0306",
        "a\u0301\u0301", "\u1ebf\u0300\u0302\u0303", "\U0001f3f4\U000e0067",
        "\U0001f3f4" + "\U000e0061" * 7 + "\U000e007f", "a\U000e0067\U000e0062\U000e0065\U000e007f", "", " ",
        "\u3000\u00a0", "x" * 51, "\U0001f469\u200d\U0001f4bb" * 17,
    ],
)  # fmt: skip
def test_an_invisible_text_is_no_name(text: str) -> None:
    assert chosen_name(text) is None, ascii(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  Ada \n", "Ada"),
        ("山田\u3000太郎", "山田 太郎"),
        ("a" + " " * 40 + "b", "a b"),
        ("a\u00a0\u2003b", "a b"),
        ("Zoe\u0308", "Zoë"),
    ],
)
def test_a_name_is_kept_tidy(text: str, name: str) -> None:
    assert chosen_name(text) == name


@pytest.mark.parametrize(
    "name",
    [
        "x", "x" * 50, "Zoë", "李雷", "<b>", "O'Neill-Smith, Jr.", "Nguyễn Thị", "שָׁלוֹם", "ที่รัก", "རྒྱུད",
        "မြွှေ့", "می\u200cخواهم", "क्\u200dष", "ක්\u200dෂ", "ശ്രീ", "ന്\u200d", "র\u200d্যাব", "ᠮᠣᠩ\u180eᠭᠣᠯ",
        "ᠠ\u180b", "葛\U000e0100城", "辻\U000e0101", "神\ufe00", ENGLAND, ENGLAND + ENGLAND, "\U0001fae9",
        "\U0001faea", "🇯🇵", "1\ufe0f\u20e3", "#\u20e3", "☎\ufe0e", "©\ufe0f", "👩\u200d💻", "👩🏽\u200d🚀",
        "🏴\u200d☠\ufe0f", "❤\ufe0f\u200d🔥", "👩🏻\u200d❤\ufe0f\u200d💋\u200d👨🏿", "👁\ufe0f\u200d🗨\ufe0f",
        "User 1234", "user_123", "user-7", "user...1", "superuser**", "User", "Player 2", "Player One",
        "#1 Player", "☆彡",
    ],
)  # fmt: skip
def test_a_visible_name_is_accepted_unchanged(name: str) -> None:
    assert chosen_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name",
    [
        "User***0001", "user***12", "USER ** 7", "User***", "User*1234", "User****1234", "· User***0001 ·",
        "Ｕｓｅｒ＊＊＊０００１", "User＊＊＊1234", "User∗∗∗1234", "User⁎⁎⁎1234", "User✱✱✱1234", "User★★★1234",
        "User•••1234",
        "Uѕеr***0001", "Uꜱᴇʀ***0001", "𝓤𝓼𝓮𝓻***0001", "Üsér***0001", "U\u200dser***0001", "User***OOOl",
        "User***٠٠٠١", "Player #2", "player#2", "Player  #  2", "PLAYER #2", "P\u04cfayer #2", "PIayer #2",
        "Рlауеr #2", "Player ＃２", "Player ♯2", "Hidden player", "hidden Player", "HIDDEN PLAYER",
        "Нidden player",
    ],
)  # fmt: skip
def test_a_text_like_a_mask_is_no_name(name: str) -> None:
    assert is_mask(name)
    assert chosen_name(name) is None


@given(st.randoms(use_true_random=False), st.integers(0, 9999))
def test_a_mask_in_other_characters_is_still_one(rng: random.Random, number: int) -> None:
    mask = rng.choice((f"User***{number:04d}", private_name(number), "Hidden player"))
    others = [_another(rng, char) if rng.random() < 0.5 else char for char in mask]
    assert is_mask("".join(others)), ascii("".join(others))


def _another(rng: random.Random, char: str) -> str:
    """Return the same character to the eye: of another width, script or case, with a mark, or with an invisible one."""
    choices = [char + "\u0301", char + "\ufe0f", char + "\u3164", char.swapcase()]
    if "!" <= char <= "~":
        choices.append(chr(ord(char) + 0xFEE0))
    if char.isdecimal():
        return rng.choice([*choices, chr(0x1D7CE + int(char)), chr(0x660 + int(char))])
    return rng.choice([*choices, *LOOKALIKES.get(char.casefold(), "")])


@given(texts)
@example("क\u094d\u200d")
@example("a\u0345\u0301")
def test_a_name_is_visible_and_kept_unchanged(text: str) -> None:
    name = chosen_name(text)
    if name is None:
        return
    assert chosen_name(name) == name == unicodedata.normalize("NFC", name)
    assert 1 <= len(name) <= MAX_NAME
    assert name == name.strip()
    assert "  " not in name
    visible = [char for char in name if unicodedata.category(char)[0] in "LNPS" or _in(PICTOGRAPHIC, char)]
    assert any(not _in(IGNORABLE, char) for char in visible)
    assert not {unicodedata.category(char) for char in name} & {"Cc", "Cs", "Co", "Zl", "Zp"}


@given(texts)
def test_a_visible_text_stays_visible_with_more_text(text: str) -> None:
    if is_visible(text):
        assert is_visible(f"Ada {text}")
        assert is_visible(f"{text} Ada")
        assert is_visible(tidy(text))


def test_nothing_ignorable_is_a_name_or_ends_one() -> None:
    points = [point for first, last in IGNORABLE for point in range(first, last + 1)]
    assert len(points) > 4000
    for point in points:
        assert chosen_name(chr(point)) is None, hex(point)
        assert chosen_name(f"Ada{chr(point)}") is None, hex(point)


def test_tables_are_made_from_files_of_the_database(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    files = {
        "DerivedCoreProperties": "# DerivedCoreProperties-99.0.0.txt\n00AD ; Default_Ignorable_Code_Point # Cf\n"
        "115F..1160 ; Default_Ignorable_Code_Point # Lo\n0041 ; Alphabetic\n",
        "DerivedJoiningType": "0628 ; D # Lo\n",
        "Scripts": "0627..0628 ; Arabic # Lo\n0660 ; Arabic # Nd\n0905..094D ; Devanagari\n0041..005A ; Latin\n",
        "UnicodeData": "0055;LATIN CAPITAL LETTER U;Lu;0;;;;\n1D1C;LATIN LETTER SMALL CAPITAL U;Ll;0;;;;\n"
        "0627;ARABIC LETTER ALEF;Lo;0;;;;\n0628;ARABIC LETTER BEH;Lo;0;;;;\n0660;ARABIC-INDIC DIGIT ZERO;Nd;0;;;;\n"
        "0905;DEVANAGARI LETTER A;Lo;0;;;;\n094D;DEVANAGARI SIGN VIRAMA;Mn;9;;;;\n2605;BLACK STAR;So;0;;;;\n",
        "confusables": "0455 ;\t0073 ;\tMA\t# CYRILLIC\n",
        "emoji-data": "1F600..1F64F ; Extended_Pictographic# E1.0\n1F600 ; Emoji\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.txt").write_text(text)
    monkeypatch.setattr("infra.unicode.TABLES", tmp_path / "made.py")
    main(tmp_path)
    made: dict[str, object] = {}
    text = (tmp_path / "made.py").read_text()
    exec(text, made)
    assert "Database 99.0.0," in text
    assert made["IGNORABLE"] == ((0xAD, 0xAD), (0x115F, 0x1160))
    assert made["PICTOGRAPHIC"] == ((0x1F600, 0x1F64F),)
    assert made["JOINING"] == ((0x627, 0x628), (0x905, 0x905), (0x94D, 0x94D))
    assert made["LOOKALIKES"] == {"*": "★", "s": "ѕ", "u": "ᴜ"}


def _in(ranges: tuple[tuple[int, int], ...], char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in ranges)
