"""Failed messages, replays, and the verification of the whole ledger."""
