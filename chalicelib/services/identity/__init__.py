"""Authentication, owners of accounts, the audit log."""
