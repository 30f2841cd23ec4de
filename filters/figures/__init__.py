"""What the filters are worth on the project's data sets, in figures: ``docs/filters.md``.

Every text is screened once, as an output would be, and all figures are read from those verdicts.
Nothing in here prints a text or writes one down.
"""
