"""Transfers, limits and holds."""
