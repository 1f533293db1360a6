"""Move tokens, hold them, and prove accounts."""
