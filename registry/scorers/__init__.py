"""Scoring workers: which are alive, and whether their filters are fit to score."""
