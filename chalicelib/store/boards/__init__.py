"""Entries, rank index nodes, redo logs and archives."""
