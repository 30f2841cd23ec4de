"""The doors: JSON over HTTP, the command line, and the client between them.

A door parses, asks the registry, and renders the answer. It holds no SQL and no model, and
it decides nothing that the registry could decide.
"""
