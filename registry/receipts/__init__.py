"""Receipts: signed statements of what scored an output, and how.

``statement``, ``envelope`` and ``verify`` need no records, so that whoever has a receipt and
a key can check it anywhere.
"""
