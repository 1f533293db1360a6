"""Players, their records and their log."""
