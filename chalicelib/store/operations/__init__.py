"""Reads across concerns."""
