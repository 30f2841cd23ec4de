import json

import pytest

from registry.dsse import Envelope, pae

ENVELOPE = Envelope(b"{}", "a key", b"a signature")


def test_the_signed_bytes_are_those_of_dsse() -> None:
    assert pae(b"hello world") == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"


def test_an_envelope_is_read_back_as_it_was_written() -> None:
    assert Envelope.from_json(json.loads(json.dumps(ENVELOPE.to_json()))) == ENVELOPE


@pytest.mark.parametrize("signed", [{"keyid": ""}, {"keyid": None}, {}])
def test_a_key_id_may_be_missing(signed: dict[str, str | None]) -> None:
    document = ENVELOPE.to_json()
    document["signatures"] = [{"sig": document["signatures"][0]["sig"], **signed}]

    assert Envelope.from_json(document).key_id == ""


@pytest.mark.parametrize(
    "change",
    [
        {"signatures": []},
        {"signatures": ENVELOPE.to_json()["signatures"] * 2},
        {"signatures": [{"keyid": "a key"}]},
        {"signatures": [{"sig": "", "keyid": 1}]},
        {"signatures": [{"sig": "", "keyid": "", "cert": ""}]},
        {"payload": None},
        {"payload": "e30"},
        {"payloadType": "application/octet-stream"},
        {"more": 1},
    ],
)
def test_an_envelope_has_these_members_and_one_signature(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"envelope|keyid|base64|payload type"):
        Envelope.from_json({**ENVELOPE.to_json(), **change})
