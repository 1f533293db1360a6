"""Identities, API keys and audit rows."""
