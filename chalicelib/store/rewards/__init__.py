"""Rewards and redemptions."""
