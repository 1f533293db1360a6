"""Routes for invites."""
