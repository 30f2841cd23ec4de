"""How the bundled classifier was made: reading the rows, training, writing and judging it.

Nothing in here runs in the service. ``python -m filters.training.train --help`` trains,
``python -m filters.training.report --help`` measures, and ``weights/CARD.md`` says what came out.
"""
