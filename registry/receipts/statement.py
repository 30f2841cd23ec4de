"""What a receipt says: an in-toto statement about one output, as canonical JSON.

The statement's subject is the sha256 of the output's text in UTF-8; the text itself is in no
receipt. Canonical JSON is that of RFC 8785, so one statement is one byte string.

Source: in-toto Attestation Framework, Statement v1; RFC 8785 (JSON Canonicalization Scheme).
"""

import hashlib

import rfc8785
from pydantic import BaseModel, ConfigDict

from registry import documents
from registry.documents import Json
from registry.errors import BadReceipt

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
RECEIPT_TYPE = "urn:corral:receipt:1"
ALTERED = "the receipt was altered"


class _Strict(BaseModel):
    """A part of a statement: every member is there, and no other."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Release(_Strict):
    """The weights that generated the output."""

    name: str
    digest: str


class Policy(_Strict):
    """The policy in force, and the thresholds that it sets, by ``filter.label``."""

    digest: str
    thresholds: dict[str, float]


class FilterRun(_Strict):
    """One filter that scored the output.

    Attributes:
        name: Name of the filter.
        version: Version of its rules.
        weights_digest: sha256 of its weights file, if it has weights.
        windows: Spans in which it looked at the text; 0 if it gave no usable reading.
        characters: Code points that it looked at.
    """

    name: str
    version: str
    weights_digest: str | None
    windows: int
    characters: int


class Flagged(_Strict):
    """A label over its threshold; a filter without a usable reading flags as ``not_scored``.

    ``count`` is the number of outputs that it is about, ``severity`` is the policy's.
    """

    filter: str
    label: str
    score: float
    threshold: float
    count: int
    severity: str


class Scorer(_Strict):
    """The worker that scored, and when its canaries had last passed."""

    name: str
    canaries_passed_at: str | None


class Screening(_Strict):
    """The predicate: how one output was screened. Times are ISO 8601, in UTC.

    ``noted`` is what was over a threshold that only notes; it flags nothing.
    """

    output: str
    job: str
    verdict: str
    release: Release
    policy: Policy
    filters: list[FilterRun]
    scores: dict[str, float]
    flagged_by: list[Flagged]
    noted: list[Flagged]
    decision: str
    characters: int
    scorer: Scorer
    submitted_at: str
    given_at: str
    key_id: str


class Digest(_Strict):
    """How in-toto writes a digest."""

    sha256: str


class Subject(_Strict):
    """The output, named by its identifier and its text's digest."""

    name: str
    digest: Digest


class Statement(_Strict):
    """The whole statement; member names with a capital or an underscore are in-toto's."""

    kind: str
    subject: list[Subject]
    predicate_type: str
    predicate: Screening

    @property
    def output_sha256(self) -> str:
        """sha256 of the output's text in UTF-8."""
        return self.subject[0].digest.sha256

    def to_bytes(self) -> bytes:
        """Return the canonical JSON, which is what is signed and hashed."""
        return rfc8785.dumps(
            {
                "_type": self.kind,
                "subject": [each.model_dump() for each in self.subject],
                "predicateType": self.predicate_type,
                "predicate": self.predicate.model_dump(),
            }
        )


def make(output_sha256: str, screening: Screening) -> Statement:
    """Return the statement that this is how the output with this digest was screened."""
    subject = Subject(name=screening.output, digest=Digest(sha256=output_sha256))
    return Statement(
        kind=STATEMENT_TYPE,
        subject=[subject],
        predicate_type=RECEIPT_TYPE,
        predicate=screening,
    )


def parse(payload: bytes) -> Statement:
    """Read a statement back.

    Raises:
        BadReceipt: It is no statement of a receipt, or not in canonical form.
    """
    document = read_object(payload)
    try:
        statement = Statement(
            kind=document.pop("_type", None),
            predicate_type=document.pop("predicateType", None),
            **document,
        )
        canonical = statement.to_bytes()
    except (ValueError, TypeError) as error:
        raise BadReceipt(f"the payload is no receipt's statement: {ALTERED}") from error
    if statement.kind != STATEMENT_TYPE or statement.predicate_type != RECEIPT_TYPE:
        raise BadReceipt(f"the payload is no {RECEIPT_TYPE} statement: verify it with what made it")
    if len(statement.subject) != 1 or statement.subject[0].name != statement.predicate.output:
        raise BadReceipt(f"subject and predicate are about different outputs: {ALTERED}")
    if canonical != payload:
        raise BadReceipt(f"the payload is not canonical JSON (RFC 8785): {ALTERED}")
    return statement


def read_object(content: bytes | str) -> Json:
    """Read a JSON object, refusing what two readers could understand differently.

    Raises:
        BadReceipt: It is no JSON object, a member comes twice, or a number is none.
    """
    try:
        return documents.read_object(content)
    except ValueError as error:
        raise BadReceipt(f"this is no receipt: {error}") from error


def sha256_of(payload: bytes) -> str:
    """Return what the ledger calls a receipt by: the sha256 of its payload."""
    return hashlib.sha256(payload).hexdigest()
