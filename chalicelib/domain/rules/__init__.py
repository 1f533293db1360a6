"""The ruleset: its schema, its validation, levels and badge criteria."""
