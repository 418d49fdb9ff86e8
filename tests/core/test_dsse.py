"""DSSE envelopes, with securesystemslib as the oracle."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as OracleEnvelope
from securesystemslib.signer._crypto_signer import CryptoSigner

from gateway.core.dsse import PAYLOAD_TYPE, Envelope, Signature, pae, seal
from gateway.core.keys import Alg, verify_key

envelopes = st.builds(
    Envelope,
    payload=st.binary(min_size=1, max_size=64),
    payload_type=st.text(min_size=1, max_size=20, alphabet=st.characters(codec="utf-8")),
    signatures=st.lists(
        st.builds(Signature, st.text("abc123", min_size=1, max_size=8), st.binary(min_size=1, max_size=64)),
        min_size=1, max_size=3, unique_by=lambda s: s.keyid,
    ).map(tuple),
)  # fmt: skip


def test_the_encoding_is_that_of_the_specification() -> None:
    encoded = pae("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@given(envelopes)
def test_an_envelope_survives_the_wire(envelope: Envelope) -> None:
    assert Envelope.from_bytes(envelope.to_bytes()) == envelope


@given(envelopes)
def test_the_oracle_reads_our_envelopes_and_signs_the_same_bytes(envelope: Envelope) -> None:
    other = OracleEnvelope.from_dict(json.loads(envelope.to_bytes()))
    assert other.pae() == envelope.signed_bytes
    assert (other.payload, other.payload_type) == (envelope.payload, envelope.payload_type)


def test_what_the_oracle_signs_we_verify() -> None:
    signer = CryptoSigner.generate_ed25519()
    public = bytes.fromhex(signer.public_key.keyval["public"])
    oracle = OracleEnvelope(b'{"a":1}', PAYLOAD_TYPE, {})
    oracle.sign(signer)
    envelope = Envelope.from_bytes(json.dumps(oracle.to_dict()).encode())
    key = verify_key(Alg.ED25519, public)
    assert key.verify(envelope.signatures[0].sig, envelope.signed_bytes)
    assert not key.verify(envelope.signatures[0].sig, envelope.signed_bytes + b" ")


def test_the_payload_is_kept_as_received() -> None:
    odd = b'{ "b" : 1,\n "a": 2 }'
    assert Envelope.from_bytes(seal(odd, "k", b"s")).payload == odd


def _wire(**changes: object) -> bytes:
    good = {"payload": "eA==", "payloadType": PAYLOAD_TYPE, "signatures": [{"keyid": "k", "sig": "eA=="}]}
    return json.dumps(good | changes).encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "Expecting value"),
        (b"[]", "not an object"),
        (b"\xff", "decode"),
        (b'{"payload":"eA==","payload":"eA==","payloadType":"x","signatures":[]}', "duplicate key"),
        (_wire(extra=1), "unknown member 'extra'"),
        (_wire(payload="eA"), "base64"),
        (_wire(payload="eB=="), "canonical base64"),
        (_wire(payload="e A=="), "base64"),
        (_wire(payload="\u00e9"), "base64"),
        (_wire(payload=7), "payload is not a string"),
        (_wire(payloadType=""), "payloadType is not a string"),
        (_wire(signatures=[]), "one or more signatures"),
        (_wire(signatures=[{"keyid": "k", "sig": "eA=="}] * 2), "different keys"),
        (_wire(signatures=[{"keyid": "k"}]), "lacks 'sig'"),
        (_wire(signatures=[{"keyid": "", "sig": "eA=="}]), "keyid is not a string"),
        (_wire(signatures=[{"keyid": "k", "sig": "eA==", "alg": "none"}]), "unknown member 'alg'"),
        (_wire(payload=base64.b64encode(b"x" * 16_384).decode()), "at most 16384 bytes"),
        (b"[" * 10_000, "nested too deeply"),
    ],
)
def test_a_malformed_envelope_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Envelope.from_bytes(data)
