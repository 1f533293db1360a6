"""Failed messages, replays, and the proof of the whole ledger."""
