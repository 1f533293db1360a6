"""The answer to a request that is done once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from chalicelib.domain.core.errors import ErrorKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """The outcome of a request that is done once, as JSON-ready values: a `T`, or the body of a refusal.

    `refused`: the kind of the refusal, None after a success. `replayed`: the outcome was known before this request.
    """

    outcome: dict[str, Any]
    refused: ErrorKind | None = None
    replayed: bool = False

    @classmethod
    def of(cls, result: T, *, replayed: bool = False) -> Answer[T]:
        """A success."""
        return cls(msgspec.to_builtins(result), replayed=replayed)

    def shaped(self, shape: Callable[[dict[str, Any]], T]) -> Answer[T]:
        """The answer with its outcome in the shape that callers know; a refusal stays as it is."""
        if self.refused:
            return self
        return Answer(msgspec.to_builtins(shape(self.outcome)), replayed=self.replayed)
