"""A player as the owner of ledger accounts and board entries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """A player, with the random ids that replace the player's own id on ledger rows and boards."""

    player: str
    account: str
    public: str
