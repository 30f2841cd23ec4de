"""Verdicts: what the filters said of an output, kept for ever; and what callers may see."""
