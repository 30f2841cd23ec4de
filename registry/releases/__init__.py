"""Releases: what was registered, its state, and the store that holds its files."""
