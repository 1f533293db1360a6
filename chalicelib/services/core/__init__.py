"""Idempotency, retries, the outbox and cursors."""
