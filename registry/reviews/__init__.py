"""People's decisions on flagged outputs."""
