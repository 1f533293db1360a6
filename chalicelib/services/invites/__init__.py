"""Create, rotate, revoke and redeem invites."""
