"""Sketches of outputs: enough to know a near-copy again, and never the text."""
