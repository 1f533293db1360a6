"""Accounts, postings, holds and corrections."""
