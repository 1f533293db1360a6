"""Routes for boards."""
