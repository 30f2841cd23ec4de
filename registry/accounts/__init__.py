"""People: accounts, their roles, their API tokens."""
