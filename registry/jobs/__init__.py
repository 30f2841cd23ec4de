"""Jobs and their outputs: states, leases, what callers may see of them."""
