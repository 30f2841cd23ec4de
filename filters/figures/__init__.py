"""What the filters are worth on the project's data sets, in figures: ``docs/filters.md``.

Every text is screened once, as an output would be, and all figures are read from those verdicts.
``python -m filters.figures.patterns --help`` looks closer at the filters that are made of patterns.
Nothing in here prints a text or writes one down.
"""
