"""The model's requests as HTTP, and Laurel's answers held against the model's."""

from __future__ import annotations

from typing import Any

from tests.economy.model import Answer, Id, Request

REPLAYED = "Idempotency-Replayed"
# What is asked of -> method and path; `{about}` is the id of the thing.
ROUTES = {
    "view": ("GET", "/balance?asset={asset}"),
    "transfer": ("POST", "/transfer"),
    "grant": ("POST", "/admin/grants"),
    "correct": ("POST", "/admin/corrections"),
    "hold": ("POST", "/holds"),
    "post": ("POST", "/holds/{about}/post"),
    "void": ("POST", "/holds/{about}/void"),
    "put": ("PUT", "/admin/rewards/{about}"),
    "retire": ("DELETE", "/admin/rewards/{about}"),
    "redeem": ("POST", "/rewards/{about}/redeem"),
    "fulfil": ("POST", "/admin/redemptions/{about}/fulfil"),
    "cancel": ("POST", "/admin/redemptions/{about}/cancel"),
    "refund": ("POST", "/admin/redemptions/{about}/refund"),
    "invite": ("POST", "/invite"),
    "rotate": ("POST", "/invite/rotate"),
    "revoke": ("DELETE", "/invite?code={about}"),
    "accept": ("POST", "/invite/redeem"),
}
# These name the thing in their body.
IN_BODY = {"correct": "transferId", "rotate": "code", "accept": "code"}
# That of an invite, which is redeemed by either.
TOKEN_LENGTH = 43


class Names:
    """A mapping from the model's ids to Laurel's."""

    def __init__(self) -> None:
        self.real: dict[Id, str] = {}
        self.model: dict[str, Id] = {}

    def bind(self, id_: Id, real: str) -> bool:
        """Return whether the two may be the same, and note that they are."""
        if id_ not in self.real and real not in self.model:
            self.real[id_], self.model[real] = real, id_
        return self.real.get(id_) == real

    def of(self, about: Any) -> str:
        return self.real.get(about, "0" * 37) if isinstance(about, Id) else str(about)


def spelled(request: Request, names: Names) -> tuple[str, str, dict[str, Any] | None]:
    """Return (method, path, body) of a request."""
    method, path = ROUTES[request.what]
    path = path.format(about=names.of(request.about), **request.members)
    if method in ("GET", "DELETE"):
        return method, path, None
    body = {name: value for name, value in request.members.items() if value is not None}
    if request.key:
        body["idempotencyKey"] = request.key
    if request.what in IN_BODY:
        name = names.of(request.about)
        body["token" if len(name) == TOKEN_LENGTH else IN_BODY[request.what]] = name
    return method, path, body


def difference(expected: Answer, status: int, body: Any, replayed: bool, names: Names) -> str:
    """Return the difference from the model; '' if there is none. Laurel may say more than the model does."""
    if (status, replayed) != (expected.status, expected.replayed):
        return f"{status}{' replayed' * replayed} {body}, not {expected}"
    return _difference(expected.body, body, names)


def _difference(expected: Any, found: Any, names: Names) -> str:
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return f"{found!r}, not {expected!r}"
        members = (
            (name, _difference(value, found.get(name), names)) for name, value in expected.items() if value != ""
        )
        return "; ".join(f"{name}: {text}" for name, text in members if text)
    if isinstance(expected, Id):
        return "" if isinstance(found, str) and names.bind(expected, found) else f"{found!r} is not {expected}"
    return "" if type(expected) is type(found) and expected == found else f"{found!r}, not {expected!r}"
