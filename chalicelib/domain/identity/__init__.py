"""Names, public ids and permissions of players."""
