"""The answer to an idempotent request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from chalicelib.domain.core.errors import ErrorKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """The outcome of an idempotent request, as JSON-ready values: a `T`, or the body of a refusal.

    `refused`: the kind of the refusal, None after a success. `replayed`: the outcome was known before this request.
    """

    outcome: dict[str, Any]
    refused: ErrorKind | None = None
    replayed: bool = False

    @classmethod
    def of(cls, result: T, *, replayed: bool = False) -> Answer[T]:
        """Return the answer of a success."""
        return cls(msgspec.to_builtins(result), replayed=replayed)

    def shaped(self, shape: Callable[[dict[str, Any]], T]) -> Answer[T]:
        """Return the answer with its outcome converted to the public shape; a refusal stays unchanged."""
        if self.refused:
            return self
        return Answer(msgspec.to_builtins(shape(self.outcome)), replayed=self.replayed)
