"""Every key of the table. An item is found by (pk, sk); nothing else in Laurel spells one out.

player      PLAYER#<id>             STATE | IDENTITY | STREAK | BADGES | SETS
                                    DAYS#<month> | LOG#<minute>#<chunk> | KEYED#<identity>
                                    ONCE#<action>/<value> | PAIR#<other> | KEY#<prefix>
public id   PUBLIC#<public id>      PLAYER
key         KEY#<sha256>            KEY
first       FIRST#<badge>           FIRST
granter     GRANTER#<granter>#<day> GRANTED
account     ACCOUNT#<account>#<asset>             BALANCE | POSTING#<transfer>
            ACCOUNT#@mint#<asset>#<00..ff>        POSTING#<transfer>
hold        HOLD#<account>          OPEN#<hold> | PENDING#<hold> | DONE#<hold>
request     REQUEST#<account>       <digest of the idempotency key>
outbox      OUTBOX#<0..15>          <ms>#<id>
reward      REWARD#<reward>         REWARD | STOCK
            REWARDS                 COUNT
redeemed    REDEEMED#<account>      <reward>
redemption  REDEMPTION#<public id>  <redemption>
corrected   CORRECTED#<transfer>    CORRECTED
audit       AUDIT#<month>           <ms>#<id>
invite      INVITE#<code>           INVITE
            TOKEN#<sha256>          TOKEN
            INVITES#<account>       INVITES
referral    REFERRAL#<account>#<account>          REFERRAL
attempts    ATTEMPTS#<account>      <minute>
board       BOARD#<scope>#<period>  ENTRY#<player>
rank index  NODE#<shard>            <level>.<prefix> | TOTAL | D.<score> | V.<score>.<volume>
            LOG#<shard>             LOG
repair      REPAIR#<shard>          <repair>#TALLY#<last score>#<tally>#<part> | <repair>#MOVES#<intent>
archive     ARCHIVE#<scope>         <period>; all-time boards: all@<day>
rotation    ROTATION#<scope>        CURSOR
received    RECEIVED#<queue>        <minute>
backlog     BACKLOG                 <ms of the bound>
ruleset     RULESET                 APPLIED
note        NOTE#<queue>#<message id>             NOTE
failure     FAILURE#<queue>#<0..7>  <message id>[/<place>]; of a FIFO queue <group>/<sequence>
            BODY#<queue>#<failure id>             <part>
"""

from __future__ import annotations

import hashlib

from chalicelib.domain.ledger import is_system
from chalicelib.domain.periods import day_of, minute_name, month_name
from chalicelib.domain.rank_index import MAX_SCORE

Key = tuple[str, str]

STATE, IDENTITY = "STATE", "IDENTITY"
STREAK, BADGES, SETS = "STREAK", "BADGES", "SETS"
# What a player consists of, read together.
CORE = (STATE, IDENTITY, STREAK, BADGES, SETS)
# The letter under which the state keeps each one's version.
SIDES = {IDENTITY: "i", STREAK: "k", BADGES: "b", SETS: "s"}
ORDER_INDEX = "order-index"
# A partition takes 1,000 write units a second. A row has at most 20 KB, mostly 1 or 2; larger bodies are in partitions
# of their own. So a hundred messages a second are 25 units a second for each of eight, and 250 if every row is as large
# as it can be.
FAILURE_SHARDS = 8
OUTBOX_SHARDS = 16
LOG = "LOG#"
POSTING = "POSTING#"
OPEN_HOLD, DONE_HOLD = "OPEN#", "DONE#"
# Of redemptions that are pending: any number, which nobody reads who looks for what expires.
PENDING_HOLD = "PENDING#"
ENTRY = "ENTRY#"


def player(player_id: str, part: str = STATE) -> Key:
    return f"PLAYER#{player_id}", part


def ruleset_run() -> Key:
    return "RULESET", "APPLIED"


def days(player_id: str, month: str) -> Key:
    return player(player_id, f"DAYS#{month}")


def log(player_id: str, minute: int, chunk: int) -> Key:
    return player(player_id, f"{log_prefix(minute)}{chunk:04d}")


def log_prefix(minute: int) -> str:
    return f"{LOG}{minute_name(minute)}#"


def keyed(player_id: str, identity: str) -> Key:
    return player(player_id, f"KEYED#{identity}")


def once(player_id: str, what: str) -> Key:
    return player(player_id, f"ONCE#{what}")


def pair(player_id: str, other: str) -> Key:
    return player(player_id, f"PAIR#{other}")


def player_key(player_id: str, prefix: str = "") -> Key:
    return player(player_id, f"KEY#{prefix}")


def public(public_id: str) -> Key:
    return f"PUBLIC#{public_id}", "PLAYER"


def api_key(sha256: str) -> Key:
    return f"KEY#{sha256}", "KEY"


def first(badge: str) -> Key:
    return f"FIRST#{badge}", "FIRST"


def granter(name: str, day: str) -> Key:
    return f"GRANTER#{name}#{day}", "GRANTED"


def account(account_id: str, asset: str) -> Key:
    return f"ACCOUNT#{account_id}#{asset}", "BALANCE"


def posting(account_id: str, other: str, asset: str, transfer_id: str) -> Key:
    """By time, which the id begins with.

    System accounts are spread over 256 partitions by the other side: they take part in every transfer.
    """
    shard = f"#{hashlib.blake2b(other.encode(), digest_size=1).hexdigest()}" if is_system(account_id) else ""
    return f"ACCOUNT#{account_id}#{asset}{shard}", f"{POSTING}{transfer_id}"


def open_hold(account_id: str, hold_id: str) -> Key:
    """By time, which the id begins with."""
    return holds(account_id), f"{OPEN_HOLD}{hold_id}"


def pending_hold(account_id: str, hold_id: str) -> Key:
    """Likewise, of a redemption."""
    return holds(account_id), f"{PENDING_HOLD}{hold_id}"


def done_hold(account_id: str, hold_id: str) -> Key:
    """Where it moves when it is resolved."""
    return holds(account_id), f"{DONE_HOLD}{hold_id}"


def holds(account_id: str) -> str:
    return f"HOLD#{account_id}"


def account_of(pk: str) -> tuple[str, str]:
    """(account, asset) of a partition of postings."""
    _, account_id, asset, *_ = pk.split("#")
    return account_id, asset


def partitions_of(account_id: str, asset: str) -> list[str]:
    """Every partition that an account's postings may be in."""
    one = account(account_id, asset)[0]
    return [f"{one}#{shard:02x}" for shard in range(256)] if is_system(account_id) else [one]


def request(account_id: str, key: str) -> Key:
    """Of an idempotency key: whatever is in it, and nothing that tells it."""
    return f"REQUEST#{account_id}", hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def owed(at_ms: int, id_: str) -> Key:
    """Spread by id, in order of time within a shard."""
    shard = hashlib.blake2b(id_.encode(), digest_size=1).digest()[0] % OUTBOX_SHARDS
    return outbox(shard), f"{at_ms:013d}#{id_}"


def outbox(shard: int) -> str:
    return f"OUTBOX#{shard}"


def corrected(transfer_id: str) -> Key:
    return f"CORRECTED#{transfer_id}", "CORRECTED"


def audit(at_ms: int, id_: str) -> Key:
    """By month, in order of time."""
    return f"AUDIT#{month_name(day_of(at_ms))}", f"{at_ms:013d}#{id_}"


def reward(reward_id: str) -> Key:
    return f"REWARD#{reward_id}", "REWARD"


def stock(reward_id: str) -> Key:
    """Apart from the reward: redemptions write it, in one unit of a write."""
    return f"REWARD#{reward_id}", "STOCK"


def reward_count() -> Key:
    return "REWARDS", "COUNT"


def reward_order(cost: int, reward_id: str) -> tuple[str, str]:
    """Where the index has a reward that is not retired: cheapest first, then by id."""
    return "REWARDS", f"{cost:013d}#{reward_id}"


def redeemed(account_id: str, reward_id: str) -> Key:
    return f"REDEEMED#{account_id}", reward_id


def redemption(public_id: str, redemption_id: str) -> Key:
    """By time, which the id begins with. The id tells the public id too."""
    return f"REDEMPTION#{public_id}", redemption_id


def redemption_order(status: str, redemption_id: str) -> tuple[str, str]:
    """Where the index has a redemption, among all players' with its status, by time."""
    return f"REDEMPTIONS#{status}", redemption_id


def invite(code: str) -> Key:
    return f"INVITE#{code}", "INVITE"


def invite_token(sha256: str) -> Key:
    return f"TOKEN#{sha256}", "TOKEN"


def invites(account_id: str) -> Key:
    return f"INVITES#{account_id}", "INVITES"


def referral(account_id: str, other: str) -> Key:
    """Of two accounts, the same whoever invited whom."""
    first, second = sorted((account_id, other))
    return f"REFERRAL#{first}#{second}", "REFERRAL"


def attempts(account_id: str, minute: int) -> Key:
    return f"ATTEMPTS#{account_id}", minute_name(minute)


def board(board_id: str) -> str:
    return f"BOARD#{board_id}"


def entry(board_id: str, player_id: str) -> Key:
    return board(board_id), f"{ENTRY}{player_id}"


def node(shard: str, name: str) -> Key:
    return nodes(shard), name


def nodes(shard: str) -> str:
    return f"NODE#{shard}"


def board_log(shard: str) -> Key:
    return f"LOG#{shard}", "LOG"


def tally(shard: str, repair_id: str, last_score: int, name: str, part: int) -> Key:
    """Of a repair, by the greatest score in it."""
    return repair(shard), f"{tallies(repair_id)}{last_score:016d}#{name}#{part:04d}"


def tallies(repair_id: str) -> str:
    return f"{repair_id}#TALLY#"


def moves(shard: str, repair_id: str, seq: int) -> Key:
    """Of an intent that was written while a repair was under way."""
    return repair(shard), f"{repair_id}#MOVES#{seq:016d}"


def repair(shard: str) -> str:
    return f"REPAIR#{shard}"


def archive(scope: str, period: str) -> Key:
    return f"ARCHIVE#{scope}", period


def rotation(scope: str) -> Key:
    return f"ROTATION#{scope}", "CURSOR"


def received(queue: str, minute: int) -> Key:
    """Of a source queue, in order of time."""
    return f"RECEIVED#{queue}", minute_name(minute)


def backlog(bound_ms: int) -> Key:
    return "BACKLOG", f"{bound_ms:013d}"


def order(score: int, reached_at: int, player_id: str) -> str:
    """Sorts best score first, then who reached it first, then by id."""
    return f"{order_since(score, reached_at)}#{player_id}"


def order_since(score: int, reached_at: int) -> str:
    """Before every order of players who reached this score at this moment or later, after those who did earlier."""
    return f"{order_score(score)}#{reached_at:013d}"


def order_score(score: int) -> str:
    """What the orders of all players with this score begin with; those of better scores are less."""
    return f"{MAX_SCORE - score:016d}"


def spot_of(order_: str) -> tuple[int, int]:
    """(score, reached at) of an order."""
    score, reached_at, _ = order_.split("#", 2)
    return MAX_SCORE - int(score), int(reached_at)


def failure(queue: str, failure_id: str) -> Key:
    """Parts of a message are together, and messages of a group, in their order."""
    whole = failure_id.rpartition("/")[0] or failure_id
    shard = hashlib.blake2b(whole.encode(), digest_size=1).digest()[0] % FAILURE_SHARDS
    return failure_partition(queue, shard), failure_id


def body_part(queue: str, failure_id: str, place: int) -> Key:
    return f"BODY#{queue}#{failure_id}", str(place)


def note(queue: str, message_id: str) -> Key:
    return f"NOTE#{queue}#{message_id}", "NOTE"


def failure_partition(queue: str, shard: int) -> str:
    return f"FAILURE#{queue}#{shard}"
