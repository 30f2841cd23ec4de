"""The gate: text in, verdict out.

Filters score text, a policy says from which score on a label flags, and ``screen`` joins the two.
Whatever could not be scored completely is flagged; nothing in this package releases by default.
It knows nothing of records, queues or HTTP and imports no other package of ours.
"""
