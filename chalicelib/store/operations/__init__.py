"""Reads across concerns, and what operators look at."""
