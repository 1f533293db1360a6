"""The registry of all operations."""

from __future__ import annotations

from chalicelib.api.boards import leaderboards
from chalicelib.api.events import awards, events
from chalicelib.api.invites import invites
from chalicelib.api.ledger import accounts, grants, holds, transfers
from chalicelib.api.operation import Operation
from chalicelib.api.operations import service
from chalicelib.api.progress import activity, badges, players
from chalicelib.api.rewards import redemptions, rewards

OPERATIONS: tuple[Operation, ...] = (
    *events.OPERATIONS,
    *awards.OPERATIONS,
    *players.OPERATIONS,
    *badges.OPERATIONS,
    *activity.OPERATIONS,
    *leaderboards.OPERATIONS,
    *transfers.OPERATIONS,
    *accounts.OPERATIONS,
    *holds.OPERATIONS,
    *grants.OPERATIONS,
    *rewards.OPERATIONS,
    *redemptions.OPERATIONS,
    *invites.OPERATIONS,
    *service.OPERATIONS,
)
