"""The table, transactions, idempotency keys and the outbox."""
