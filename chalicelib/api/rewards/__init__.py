"""Routes for rewards."""
