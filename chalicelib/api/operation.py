"""Operations: what Laurel offers to callers, each described once. Transports are made from these descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from chalicelib.domain.core.errors import ErrorKind

if TYPE_CHECKING:
    from chalicelib.services.context import Context
    from chalicelib.services.identity.authenticate import Caller

PREFIX = "/api/gamification"
JSON = "application/json"
TAGS = ("events", "players", "leaderboards", "economy", "admin", "service")


class Auth(StrEnum):
    """Kinds of callers that an operation accepts."""

    NONE = "none"
    OPTIONAL = "optional"
    KEY = "key"


class RateClass(StrEnum):
    """Operations of one class share a rate limit."""

    READ = "read"
    WRITE = "write"
    EVENTS = "events"


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation: its callers, input, output and use case.

    `use_case`: "module:function", imported by the first call. It takes the context, and by name: `caller`, if it has
    this parameter; each path parameter `x` as `x_id`; the members of the query; the body as `request`; `constants`.
    `query`, `body`, `answer`: types by name, in the use case's module unless they name their own. Several bodies:
    any of them, or an array of them; the use case then decodes the JSON. `optional_body`: no body means `{}`.
    `binary_mode`: the body may be the data of a CloudEvent whose attributes are in headers.
    `permission`: what the key needs; "" takes callers without a key. `optional_key`: a key is read if there is one.
    `without_table`: callers count as those without a key while the table does not respond.
    `refusals`: kinds of errors besides those of every such operation. `replays`: a retry gets the first answer.

    Over HTTP: `method` and `path`; `status` of a success; `headers` of a request, each with its purpose; `media` of
    the response; `tagged`: responses to reads have an ETag; `view`: "module:function" that makes the response from
    the request's Call, where this is more than to encode the answer.
    """

    name: str
    path: str
    summary: str
    tag: str
    use_case: str = ""
    constants: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""
    body: str | tuple[str, ...] = ()
    optional_body: bool = False
    binary_mode: bool = False
    answer: str = ""
    permission: str = ""
    optional_key: bool = False
    without_table: bool = False
    rate: RateClass | None = None
    refusals: tuple[ErrorKind, ...] = ()
    replays: bool = False
    description: str = ""
    method: str = "GET"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON
    tagged: bool = True
    view: str = ""

    @property
    def auth(self) -> Auth:
        """Return the kind of callers that it accepts."""
        if self.permission:
            return Auth.KEY
        return Auth.OPTIONAL if self.optional_key else Auth.NONE

    @property
    def methods(self) -> list[str]:
        """Return the methods over HTTP. Reads that need no key have HEAD too, for checks of links and of uptime."""
        return [self.method, "HEAD"] if self.method == "GET" and self.auth is not Auth.KEY else [self.method]

    @property
    def rate_class(self) -> RateClass:
        """Return the class of its rate limit: that of reads or of writes, unless it names one."""
        return self.rate or (RateClass.READ if self.method == "GET" else RateClass.WRITE)

    @property
    def path_parameters(self) -> list[str]:
        """Return the names of the path parameters, in order."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    @cached_property
    def function(self) -> Any:
        """Import and return the use case."""
        return resolve(self.use_case)

    @cached_property
    def query_type(self) -> Any:
        """Return the type of the query, None if there is none."""
        return self._type(self.query) if self.query else None

    @cached_property
    def body_types(self) -> tuple[Any, ...]:
        """Return the types that a body may have, none if there is no body."""
        names = (self.body,) if isinstance(self.body, str) else self.body
        return tuple(self._type(name) for name in names)

    @cached_property
    def answer_type(self) -> Any:
        """Return the type of the answer, None if it is a document of its own."""
        return self._type(self.answer) if self.answer else None

    def run(
        self,
        context: Context,
        caller: Caller | None = None,
        path: Mapping[str, str] | None = None,
        query: Any = None,
        body: Any = None,
    ) -> Any:
        """Call the use case. `query` and `body` are of the operation's types."""
        arguments = {f"{name}_id": value for name, value in (path or {}).items()} | dict(self.constants)
        if query is not None:
            arguments |= {name: getattr(query, name) for name in query.__struct_fields__}
        if self.body:
            arguments["request"] = body
        if self._takes_caller:
            arguments["caller"] = caller
        return self.function(context, **arguments)

    @cached_property
    def _takes_caller(self) -> bool:
        return "caller" in signature(self.function).parameters

    def _type(self, name: str) -> Any:
        return resolve(name if ":" in name else f"{self.use_case.partition(':')[0]}:{name}")


def resolve(reference: str) -> Any:
    """Import what "module:name" refers to."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)
