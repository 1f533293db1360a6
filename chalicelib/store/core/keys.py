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

Key = tuple[str, str]


ORDER_INDEX = "order-index"


OUTBOX_SHARDS = 16


def request(account_id: str, key: str) -> Key:
    """Of an idempotency key: whatever is in it, and nothing that tells it."""
    return f"REQUEST#{account_id}", hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def owed(at_ms: int, id_: str) -> Key:
    """Spread by id, in order of time within a shard."""
    shard = hashlib.blake2b(id_.encode(), digest_size=1).digest()[0] % OUTBOX_SHARDS
    return outbox(shard), f"{at_ms:013d}#{id_}"


def outbox(shard: int) -> str:
    return f"OUTBOX#{shard}"
