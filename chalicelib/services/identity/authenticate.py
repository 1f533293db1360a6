"""Authentication: the player and the permissions of an API key."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.core.errors import Forbidden, LostRace, Unauthenticated
from chalicelib.domain.core.periods import day_name, day_of
from chalicelib.domain.identity.permissions import ADMIN, is_key, key_digest
from chalicelib.services.context import Context
from chalicelib.store.core.table import StoreError
from chalicelib.store.identity.api_keys import find_key, mark_used

# One sentence for a missing, a wrong and a revoked key, so that callers cannot distinguish them.
REFUSAL = "A valid API key is required."


@dataclass(frozen=True, slots=True)
class Caller:
    """The player of a key.

    `prefix`: the key's visible part. `account`, `public`: the player's random ids, if the key record holds them.
    `address`: the origin of the request.
    """

    player: str
    prefix: str
    permissions: frozenset[str]
    account: str = ""
    public: str = ""
    address: str = ""

    def may(self, permission: str) -> bool:
        """Return whether the key has the permission; an admin's key has all."""
        return permission in self.permissions or ADMIN in self.permissions


def authenticate(context: Context, key: str, address: str = "") -> Caller:
    """Return the caller with this key and address. Raises Unauthenticated for a missing, wrong or revoked key."""
    if not is_key(key):
        raise Unauthenticated(REFUSAL)
    digest = key_digest(key)
    row = find_key(context.table, digest)
    if row is None or row.revoked_at:
        raise Unauthenticated(REFUSAL)
    today = day_name(day_of(context.now_ms()))
    if (row.used_on or "") < today:
        _note_use(context, digest, today)
    return Caller(row.player, row.prefix, frozenset(row.permissions), row.account or "", row.public or "", address)


def require(caller: Caller, permission: str) -> None:
    """Raise Forbidden unless the caller's key has the permission."""
    if not caller.may(permission):
        raise Forbidden(f"The key lacks the permission '{permission}'.", permission=permission)


def _note_use(context: Context, digest: str, today: str) -> None:
    try:
        mark_used(context.table, digest, today)
    except (LostRace, StoreError):
        # Another request has noted the use, or the next one will.
        return
