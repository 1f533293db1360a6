"""Routes for players."""
