"""Who may use which release: requests, approvals, and the one function that says yes."""
