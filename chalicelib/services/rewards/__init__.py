"""Manage the catalogue of rewards; redeem rewards and resolve redemptions."""
