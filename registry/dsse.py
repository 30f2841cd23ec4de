"""DSSE envelopes: a payload of one type with one signature, whatever the key.

The signature is over ``PAE(type, payload)``: ``DSSEv1``, the length and the text of the
type, the length and the bytes of the payload, with a space between each.

Source: Dead Simple Signing Envelope 1.0.2, protocol.md and envelope.md.
"""

from dataclasses import dataclass
from typing import Self

from registry.documents import Json, from_base64, to_base64

PAYLOAD_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed payload.

    Attributes:
        payload: The bytes that are signed.
        key_id: Which key signed, as the kind of document names keys; may be empty.
        signature: What the key made of ``pae(payload)``.
    """

    payload: bytes
    key_id: str
    signature: bytes

    def to_json(self) -> Json:
        """Return the envelope as its JSON document."""
        return {
            "payload": to_base64(self.payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": self.key_id, "sig": to_base64(self.signature)}],
        }

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Read an envelope, strictly; the key id alone may be missing or ``null``.

        Raises:
            ValueError: A member is missing, unknown or not as ``to_json`` writes it.
        """
        match document:
            case {
                "payload": str(payload),
                "payloadType": str(kind),
                "signatures": [{"sig": str(signature), **more_signed}],
                **more,
            } if not more and more_signed.keys() <= {"keyid"}:
                key_id = more_signed.get("keyid")
            case _:
                raise ValueError(
                    "an envelope has payload, payloadType and one signature with keyid and sig, "
                    "and nothing else"
                )
        if not isinstance(key_id, str | None):
            raise ValueError("the keyid is no text")  # noqa: TRY004 (the text is wrong)
        if kind != PAYLOAD_TYPE:
            raise ValueError(f"the payload type is not {PAYLOAD_TYPE}")
        return cls(from_base64(payload), key_id or "", from_base64(signature))


def pae(payload: bytes) -> bytes:
    """Return the bytes that are signed: DSSE's pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
