"""Invites and referrals."""
