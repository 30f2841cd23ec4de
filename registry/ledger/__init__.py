"""The ledger: the append-only record of decisions, which anybody can check.

``merkle`` and ``checkpoint`` are arithmetic and signatures alone, so an auditor can use
them without any records.
"""
