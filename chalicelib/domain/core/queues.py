"""Short names of Laurel's SQS queues."""

from __future__ import annotations

BOARDS = "boards"
OWN = "own"
REJECTED, DEAD_LETTER, BOARDS_DEAD_LETTER = "rejected", "dead_letter", "boards_dead_letter"
