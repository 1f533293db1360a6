"""Reads across concerns, and what operators watch."""
