"""Routes for events and awards."""
