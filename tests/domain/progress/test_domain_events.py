"""Messages about an applied event: board scores, domain events, the feed, the outbox of the ledger; names and keys."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.core.periods import moment_name
from chalicelib.domain.identity import names, permissions
from chalicelib.domain.ledger.transfer import MINT, Transfer, is_system, located, rule_transfer, transfer_id
from chalicelib.domain.progress import scores as boards
from chalicelib.domain.progress.domain_events import domain_events_of
from chalicelib.domain.progress.effect import Credit
from chalicelib.domain.progress.log import Entry, Minute, Records
from tests.domain.progress.desk import DAY, NOON, Desk

TODAY = NOON // DAY


# Boards ------------------------------------------------------------------------------------------------------------


def test_scores_of_each_board(desk: Desk) -> None:
    in_time = moment_name(NOON - 8 * DAY)
    desk.send("combo.created", time_ms=NOON - 8 * DAY, data={"provider": "a", "skill": "s"}, receivedAt=in_time)
    desk.now_ms += 5
    desk.send(data={"provider": "b"})
    desk.now_ms += 5
    desk.send("transfer.sent", data={"to": "bob", "amount": 40})
    scores = boards.scores(desk.player(), [TODAY, TODAY - 8], desk.rules)
    old, new = 10 + 25, 1 + 3 + 25 + 5 + 25
    assert scores == {
        "global#all": (old + new, NOON + 10),
        "daily#2026-05-19": (new, NOON + 10),
        "daily#2026-05-11": (old, NOON),
        "weekly#2026-W21": (new, NOON + 10),
        "weekly#2026-W20": (old, NOON),
        "monthly#2026-05": (old + new, NOON + 10),
        "tokens_shared#all": (40, NOON + 10),
        "contributions#all": (1 + 2 + 1, NOON + 5),
    }
    assert boards.scores(desk.player(), [], desk.rules) == {}


def test_an_update_has_the_state_that_a_page_shows(desk: Desk) -> None:
    desk.send()
    player = desk.player()
    player.identity.display_name, player.identity.private = "Ada", True
    update = boards.update(player, (29, NOON), desk.rules)
    assert (update.subject, update.score, update.version, update.reached_at) == ("player:ada", 29, 1, NOON)
    assert (update.level, update.title, update.public_id, update.name) == (1, "Beginner", "public-ada", "Ada")
    assert (update.private, update.hidden) == (True, False)


# Domain events -----------------------------------------------------------------------------------------------------


def details_of(entry: Entry) -> list[dict[str, Any]]:
    return [{"type": each.type, **each.detail} for each in domain_events_of("ada", NOON, entry, 100)]


def test_domain_events_of_an_entry(desk: Desk) -> None:
    desk.send(time_ms=NOON - DAY)
    for ago in range(7, 1, -1):
        entry = desk.send(time_ms=NOON - ago * DAY)
    assert details_of(entry) == [
        {"type": "badge.earned", "badgeId": "week-warrior"},
        {"type": "streak.milestone", "milestone": 7},
        {"type": "streak.updated", "currentStreak": 7},
    ]
    up = desk.send("award", data={"points": 700, "reason": "r"})
    assert details_of(up) == [{"type": "level.up", "newLevel": 3, "previousLevel": 1, "reward": 200}]
    assert details_of(desk.send("badge.revoked", data={"badgeId": "week-warrior"})) == [
        {"type": "badge.revoked", "badgeId": "week-warrior"}
    ]
    assert details_of(desk.send("combo.created")) == []


def test_ids_of_domain_events_are_stable_and_apart(desk: Desk) -> None:
    entry = desk.send()
    first = domain_events_of("ada", NOON, entry, 100)
    assert [each.id for each in first] == [each.id for each in domain_events_of("ada", NOON, entry, 100)]
    others = domain_events_of("bob", NOON, entry, 100)
    ids = {domain_event.id for domain_event in (*first, *others)}
    assert len(ids) == len(first) * 2
    assert first[0].body() == {
        "id": first[0].id,
        "version": 1,
        "userId": "ada",
        "time": "2026-05-19T12:00:00.000Z",
        **first[0].detail,
    }


# The feed ----------------------------------------------------------------------------------------------------------


def test_rewards_of_rules_are_minted_once_for_each_event_and_asset(desk: Desk) -> None:
    desk.send("award", data={"points": 250, "reason": "r"})
    applied = desk.apply(desk.event("tournament.won"))
    assert applied is not None
    coins, tokens = sorted(applied.credits, key=lambda credit: credit.asset)
    assert (coins.amount, coins.causes) == (25, {"tournament_win": 25})
    assert (tokens.amount, tokens.causes) == (100, {"level_up": 100})
    public = "0123456789abcdef"
    transfer = rule_transfer(coins, "acc-1", public, NOON)
    assert transfer == Transfer(
        id=transfer.id,
        asset="coins",
        source=MINT,
        target="acc-1",
        amount=25,
        kind="rule",
        created_at=NOON,
        details={"causes": {"tournament_win": 25}},
    )
    assert rule_transfer(coins, "acc-1", public, NOON) == transfer
    others = (rule_transfer(tokens, "acc-1", public, NOON), rule_transfer(coins, "acc-2", public, NOON))
    assert len({transfer.id, *(other.id for other in others)}) == 3
    assert located(transfer.id) == (NOON, public)


def test_a_transfer_s_postings_sum_to_zero() -> None:
    transfer = rule_transfer(Credit("coins", 25, "identity", {"tournament_win": 25}), "acc-1", "0" * 16, NOON)
    debit, credit = transfer.postings()
    assert (debit.account, debit.amount) == (MINT, -25)
    assert (credit.account, credit.other, credit.amount) == ("acc-1", MINT, 25)
    assert is_system(debit.account)
    assert not is_system(credit.account)
    assert transfer_id(NOON, "0" * 16, "a", "bc") != transfer_id(NOON, "0" * 16, "ab", "c")
    assert located("0" * 36) is None


# The rest ----------------------------------------------------------------------------------------------------------


def test_a_keyed_record_is_found_whenever_the_event_comes_again(desk: Desk) -> None:
    entry = desk.send(time=None, id="x")
    keyed = desk.records["ada"].keyed[entry.identity]
    assert (keyed.time_ms, keyed.entry, desk.records["ada"].new_keyed) == (NOON, entry, {entry.identity})
    assert Records().minute(NOON).find("nothing") is None


class Looked(list[Entry]):
    """Entries that count how often one is looked at."""

    looked = 0

    def __getitem__(self, place: Any) -> Any:
        self.looked += 1
        return super().__getitem__(place)


def test_each_entry_of_a_minute_is_read_once_for_any_number_of_lookups(desk: Desk) -> None:
    entries = [desk.send(id=f"e{number}") for number in range(300)]
    minute = Minute(Looked(entries[:200]), Looked())
    for place, entry in enumerate(entries):
        assert minute.find(entry.identity) is (entry if place < 200 else None)
        if place >= 200:
            minute.appended.append(entry)
            assert minute.find(entry.identity) is entry
    # A commit moves what was appended behind what was stored.
    minute.stored += minute.appended
    looked, minute.appended = minute.appended.looked, Looked()
    assert minute.find(entries[299].identity) is entries[299]
    assert (minute.stored.looked, looked) == (200, 100)


def test_of_two_entries_with_one_identity_the_first_is_found(desk: Desk) -> None:
    first, second = desk.send(id="a"), desk.send(id="b")
    second.identity = first.identity
    assert Minute([first, second]).find(first.identity) is first


def test_names_shown_to_others() -> None:
    assert names.display_name("ada", "Ada L.") == "Ada L."
    masked = names.display_name("4f0c2ab19d3e5f60", None)
    assert masked == names.display_name("4f0c2ab19d3e5f60", "")
    assert names.display_name("b7e1c94a0d5f2386", None) != masked
    assert masked.startswith("User***")
    assert len(masked) == 11
    assert names.private_name(3) == "Player #3"


def test_keys_have_a_shape() -> None:
    key = "laurel_0123abcd_" + "0" * 32
    assert permissions.is_key(key)
    assert permissions.visible_prefix(key) == "laurel_0123abcd"
    assert len(permissions.key_digest(key)) == 64
    for other in ("", "laurel_0123abcd_", key + "0", key.upper(), key + "\n"):
        assert not permissions.is_key(other)
