"""Receipts."""

from registry.errors.categories import Invalid, NotFound, Refused


class BadReceipt(Invalid):
    """A receipt is not what it says, or not one of these keys'."""

    code = "bad_receipt"


class NoReceipt(NotFound):
    """The output has no receipt."""

    code = "no_receipt"

    def __init__(self, output: object, *, state: str) -> None:
        super().__init__(
            f"output {output} is {state} and has no receipt: one is signed when it is scored",
            output=str(output),
            state=state,
        )


class NoReceiptKey(NotFound):
    """No such key has signed receipts here."""

    code = "no_receipt_key"


class ReceiptMissing(Refused):
    """Nothing is released without a receipt."""

    code = "receipt_missing"

    def __init__(self, output: object) -> None:
        super().__init__(
            f"output {output} was scored before receipts were signed: withhold it, and let the "
            "researcher submit the prompt again",
            output=str(output),
        )
