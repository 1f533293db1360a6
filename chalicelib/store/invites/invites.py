"""Invites: each under its code, the token's digest that leads to it, and one list per player."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.domain.core.periods import DAY_MS
from chalicelib.domain.invites.invites import KEPT_DAYS, Invite
from chalicelib.store.core.expiry import is_live
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, number, text
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.invites import keys
from chalicelib.store.invites.models import InviteItem, InvitesItem, InviteTokenItem


@dataclass(frozen=True, slots=True)
class OwnInvites:
    """A player's list: code -> expiry of the invite (ms). `version`: the number of its changes; 0 without a list."""

    version: int = 0
    codes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """The target of a token: a code, and the player it belongs to."""

    code: str
    account: str
    public: str


def read_invite(item: Item | None, now_ms: int) -> Invite | None:
    """Return an invite; None if it does not exist or is no longer kept, whether or not TTL has deleted it yet."""
    if item is None:
        return None
    row = InviteItem.from_raw_data(item)
    if not is_live(int(row.expires), now_ms):
        return None
    return Invite(
        row.pk.removeprefix(keys.invite("")[0]),
        row.account,
        row.public,
        row.digest,
        int(row.uses),
        int(row.used),
        int(row.created_at),
        int(row.expires_at),
    )


def read_link(item: Item | None, now_ms: int) -> Link | None:
    if item is None:
        return None
    row = InviteTokenItem.from_raw_data(item)
    return Link(row.code, row.account, row.public) if is_live(int(row.expires), now_ms) else None


def read_own(item: Item | None) -> OwnInvites:
    if item is None:
        return OwnInvites()
    row = InvitesItem.from_raw_data(item)
    return OwnInvites(int(row.version), row.codes)


def load_own(table: Table, account: str) -> OwnInvites:
    return read_own(table.get(keys.invites(account)))


def load_invites(table: Table, codes: Mapping[str, int], now_ms: int) -> list[Invite]:
    """Return the invites of a list that exist, oldest first."""
    items = table.get_many([keys.invite(code) for code in codes])
    found = [read_invite(item, now_ms) for item in items.values()]
    return sorted((each for each in found if each is not None), key=lambda each: (each.created_at, each.code))


# Writes ----------------------------------------------------------------------------------------------------------


def add_invite(tx: Transaction, invite: Invite, own: OwnInvites, codes: Mapping[str, int]) -> None:
    """Add a new invite, its token, and the list that contains it, if the list is unchanged since its read."""
    row = InviteItem(
        *keys.invite(invite.code),
        account=invite.account,
        public=invite.public,
        digest=invite.digest,
        uses=invite.uses,
        used=invite.used,
        created_at=invite.created_at,
        expires_at=invite.expires_at,
        expires=_kept_until(invite),
    )
    _put_own(tx, invite.account, own, {**codes, invite.code: invite.expires_at})
    tx.put(row.item(), "attribute_not_exists(pk)")
    _put_link(tx, invite, invite.digest)


def replace_token(tx: Transaction, invite: Invite, digest: str) -> None:
    """Replace the token that was read by another one, if the invite was not used since: the response holds its uses."""
    values = {":new": text(digest), ":used": number(invite.used)} | _as_read_values(invite)
    condition = f"{_AS_READ} AND used = :used"
    tx.update(keys.invite(invite.code), "SET digest = :new", condition, None, values)
    tx.delete(keys.invite_token(invite.digest))
    _put_link(tx, invite, digest)


def remove_invite(tx: Transaction, invite: Invite, own: OwnInvites) -> None:
    """Remove an invite: its code and token become unknown. Players who redeemed it stay recorded."""
    tx.delete(keys.invite(invite.code), _AS_READ, None, _as_read_values(invite))
    tx.delete(keys.invite_token(invite.digest))
    if invite.code in own.codes:
        left = {code: expires for code, expires in own.codes.items() if code != invite.code}
        _put_own(tx, invite.account, own, left)


def use_invite(tx: Transaction, code: str, digest: str | None, now_ms: int) -> None:
    """Count a use, if the invite exists, has one left and has not expired; and `digest`, if given, is its token."""
    condition = "used < uses AND expiresAt > :now"
    values = {":one": number(1), ":now": number(now_ms)}
    if digest is not None:
        condition, values = f"{condition} AND digest = :digest", values | {":digest": text(digest)}
    tx.update(keys.invite(code), "ADD used :one", condition, None, values)


_AS_READ = "account = :owner AND digest = :digest"


def _as_read_values(invite: Invite) -> Item:
    return {":owner": text(invite.account), ":digest": text(invite.digest)}


def _put_own(tx: Transaction, account: str, own: OwnInvites, codes: Mapping[str, int]) -> None:
    row = InvitesItem(*keys.invites(account), version=own.version + 1, codes=dict(codes))
    if own.version == 0:
        tx.put(row.item(), "attribute_not_exists(pk)")
    else:
        tx.put(row.item(), "v = :v", None, {":v": number(own.version)})


def _put_link(tx: Transaction, invite: Invite, digest: str) -> None:
    key: Key = keys.invite_token(digest)
    row = InviteTokenItem(
        *key, code=invite.code, account=invite.account, public=invite.public, expires=_kept_until(invite)
    )
    tx.put(row.item())


def _kept_until(invite: Invite) -> int:
    return (invite.expires_at + KEPT_DAYS * DAY_MS) // 1000
