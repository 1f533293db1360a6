"""Rank indexes, ties, repairs and proofs of boards."""
