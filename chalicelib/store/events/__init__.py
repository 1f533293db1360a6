"""Failed messages, awards and the backlog."""
