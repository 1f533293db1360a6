"""Move tokens, hold them, and verify accounts."""
