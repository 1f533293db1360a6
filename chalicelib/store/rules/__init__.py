"""Runs that apply a ruleset."""
