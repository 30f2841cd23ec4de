"""Which policy is in force, and which ones were."""
