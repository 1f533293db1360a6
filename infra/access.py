"""The access of each function to items of the table: actions on partitions, named by the keys of the store.

DynamoDB calls a partition key a leading key. `infra/policies.py` makes a statement of each access. In simulations and
tests every request of a function is held against them.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.store.boards import keys as boards
from chalicelib.store.core import keys as core
from chalicelib.store.events import keys as events
from chalicelib.store.identity import keys as identity
from chalicelib.store.invites import keys as invites
from chalicelib.store.ledger import keys as ledger
from chalicelib.store.operations import keys as operations
from chalicelib.store.progress import keys as progress
from chalicelib.store.rewards import keys as rewards

# Stands for the partitions of the index that hold the ruleset's boards. Their keys begin with the boards' scopes.
SCOPES = "<scope>#"
READ = ("GetItem", "BatchGetItem", "Query")
READ_MANY = ("BatchGetItem", "Query")


@dataclass(frozen=True)
class Access:
    """Actions on partitions. `name`: of the policy's statement.

    `keys`: beginnings of partition keys if they end in `#`, else whole ones. None: the whole table. Of an action that
    takes part in a transaction, the keys of all parts of the transaction: AWS does not document whether it is held
    against the keys of the other parts too. `index`: the partitions are those of the index.
    """

    name: str
    actions: tuple[str, ...]
    keys: tuple[str, ...] | None
    index: bool = False


def read(*keys: str, actions: tuple[str, ...] = READ) -> Access:
    return Access("Read", actions, keys)


def update(*keys: str) -> Access:
    return Access("Update", ("UpdateItem",), keys)


def write(*keys: str) -> Access:
    return Access("Write", ("PutItem", "UpdateItem"), keys)


def index(*keys: str) -> Access:
    return Access("Index", ("Query",), keys, index=True)


def run(function: str) -> Access:
    """Return the access to a scheduled function's own last run, and to its turn."""
    return Access("Run", ("BatchGetItem", "PutItem", "UpdateItem"), (operations.runs(function),))


# A scan names no partition.
SCAN = Access("Scan", ("Scan",), None)
# Rows about messages that were rejected, or that failed.
FAILED = (events.FAILURE, events.BODY, events.NOTE)

API = (
    read(
        *(identity.API_KEY, identity.PLAYER, identity.PUBLIC, events.GRANTER),
        *(boards.BOARD, boards.NODE, boards.ARCHIVE),
        *(core.IDEMPOTENCY, ledger.ACCOUNT, ledger.HOLD, ledger.CORRECTED),
        *(rewards.REWARD, rewards.REWARDS, rewards.REDEEMED, rewards.REDEMPTION),
        *(invites.INVITE, invites.INVITE_TOKEN, invites.INVITES, invites.REFERRAL, invites.ATTEMPTS),
        *(operations.RUN, operations.HEALTH),
    ),
    write(
        *(identity.PLAYER, identity.AUDIT, events.GRANTER),
        *(core.IDEMPOTENCY, core.OUTBOX, ledger.ACCOUNT, ledger.HOLD, ledger.CORRECTED),
        *(rewards.REWARD, rewards.REWARDS, rewards.REDEEMED, rewards.REDEMPTION),
        *(invites.INVITE, invites.INVITE_TOKEN, invites.INVITES, invites.REFERRAL, invites.ATTEMPTS),
    ),
    # The states of the queues, as one of many instances counted them.
    Access("Health", ("PutItem",), (operations.HEALTH,)),
    # The day of a key's last use. Only the `laurel` command creates keys.
    update(identity.API_KEY),
    # Sent outbox rows, resolved holds, revoked invites and replaced tokens.
    Access(
        "Delete",
        ("DeleteItem",),
        (
            *(core.OUTBOX, identity.AUDIT, ledger.ACCOUNT, ledger.HOLD),
            *(rewards.REWARD, rewards.REDEEMED, rewards.REDEMPTION),
            *(invites.INVITE, invites.INVITE_TOKEN, invites.INVITES),
        ),
    ),
    # Failed attempts to redeem an invite.
    Access("Check", ("ConditionCheckItem",), (invites.ATTEMPTS, invites.INVITE, invites.REFERRAL, core.OUTBOX)),
    index(SCOPES, rewards.REWARDS, rewards.REDEMPTIONS),
)
PROGRESS = (
    read(identity.PLAYER, progress.FIRST, events.GRANTER, actions=READ_MANY),
    write(identity.PLAYER, identity.PUBLIC, progress.FIRST, events.GRANTER, ledger.ACCOUNT),
    update(*FAILED, events.RECEIVED),
)
BOARDS = (
    read(identity.PLAYER, boards.BOARD, boards.NODE, boards.BOARD_LOG, boards.REPAIR),
    update(boards.BOARD, boards.NODE, boards.BOARD_LOG, boards.REPAIR, *FAILED),
)
ROTATE = (
    read(
        *(identity.PLAYER, identity.PUBLIC, events.RECEIVED, events.BACKLOG),
        *(boards.BOARD, boards.NODE, boards.BOARD_LOG, boards.ARCHIVE, boards.ROTATION),
    ),
    Access("Put", ("PutItem",), (events.BACKLOG, boards.ARCHIVE, boards.ROTATION)),
    update(boards.ARCHIVE, boards.ROTATION),
    index(SCOPES),
    run("rotate"),
)
SWEEP = (
    Access("Outbox", ("Query", "DeleteItem"), (core.OUTBOX,)),
    run("sweep"),
)
VERIFY = (
    read(identity.PLAYER, boards.BOARD, boards.NODE, boards.BOARD_LOG),
    SCAN,
    index(SCOPES),
    run("verify"),
)
VERIFY_LEDGER = (
    read(ledger.ACCOUNT, ledger.HOLD, ledger.CORRECTED, rewards.REWARD, rewards.REDEEMED, rewards.REDEMPTION),
    SCAN,
    Access("Check", ("GetItem", "BatchGetItem", "PutItem"), (operations.LEDGER_CHECK,)),
    run("verify_ledger"),
)
ARCHIVE = (
    Access("Notes", ("BatchGetItem",), (events.NOTE,)),
    update(events.FAILURE, events.BODY),
    run("archive"),
)
