"""How the bundled classifier was made: reading the rows, training, writing, choosing thresholds.

Nothing in here runs in the service. ``python -m filters.training.train --help`` trains,
``python -m filters.training.report --help`` chooses thresholds, ``filters.figures`` measures, and
``weights/CARD.md`` says what came out.
"""
