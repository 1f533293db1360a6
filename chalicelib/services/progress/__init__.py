"""Apply events to players; read and change players."""
