"""The records: releases, approvals, jobs, verdicts, reviews and the ledger.

Everything Corral knows is a row written by this package. It knows nothing of
HTTP, of queues or of tensors, and it imports no other package of ours.
"""
