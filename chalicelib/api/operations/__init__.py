"""The API document, its page, and health."""
