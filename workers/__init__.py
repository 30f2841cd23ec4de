"""The only code that loads LLaMA weights: generation, screening, and the tasks between.

Workers move jobs through their states with the records' own functions and write no SQL.
Nobody but ``workers.dispatch`` is imported from outside, and that module loads no model.
"""
