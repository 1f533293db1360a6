"""Routes for tokens and holds."""
