"""Verdicts on prompts: what the filters said of what a researcher asked for."""
