"""DSSE v1 envelopes: what is signed is PAE(payload type, payload bytes), and those bytes are kept as received.

An envelope on the wire is JSON with exactly these members:

    {"payload": base64, "payloadType": "application/vnd.in-toto+json", "signatures": [{"keyid": kid, "sig": base64}]}

To verify: decode `payload`, check `sig` over `pae(payloadType, payload)`, and read the statement from
the decoded bytes. Nothing is ever re-serialised to verify. `keyid` is a hint; the algorithm comes from the key.
"""

from dataclasses import dataclass

from gateway.core import b64, shape
from gateway.core.canonical import Json, canonical, loads_strict

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES = 16_384
MAX_SIGNATURES = 8


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the id of the key that is said to have made it."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload as it was received and the signatures over it; holding one proves nothing yet."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]

    @property
    def signed_bytes(self) -> bytes:
        """Return the bytes that every signature covers."""
        return pae(self.payload_type, self.payload)

    def to_bytes(self) -> bytes:
        """Return the envelope as canonical JSON."""
        return canonical(
            {
                "payload": b64.encode(self.payload),
                "payloadType": self.payload_type,
                "signatures": [{"keyid": s.keyid, "sig": b64.encode(s.sig)} for s in self.signatures],
            }
        )

    def sole_signature(self) -> Signature:
        """Return the only signature; raises ValueError for another payload type than ours or more signatures."""
        if self.payload_type != PAYLOAD_TYPE or len(self.signatures) != 1:
            raise ValueError("the envelope has another payload type or more than one signature")
        return self.signatures[0]

    @classmethod
    def from_bytes(cls, data: bytes) -> "Envelope":
        """Read an envelope; raises ValueError for anything but the members above, and for no or repeated signers."""
        if len(data) > MAX_ENVELOPE_BYTES:
            raise ValueError(f"an envelope has at most {MAX_ENVELOPE_BYTES} bytes")
        item = shape.members(loads_strict(data), "envelope", frozenset({"payload", "payloadType", "signatures"}))
        signatures = tuple(_signature(s) for s in shape.array(item["signatures"], "signatures", MAX_SIGNATURES))
        if not signatures or len({s.keyid for s in signatures}) != len(signatures):
            raise ValueError("an envelope has one or more signatures by different keys")
        payload = b64.decode(shape.text(item["payload"], "payload", MAX_ENVELOPE_BYTES))
        return cls(payload, shape.text(item["payloadType"], "payloadType", 255), signatures)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding of DSSE v1."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(statement: bytes, kid: str, sig: bytes) -> bytes:
    """Return the envelope of a statement whose PAE was signed by one key."""
    return Envelope(statement, PAYLOAD_TYPE, (Signature(kid, sig),)).to_bytes()


def _signature(value: Json) -> Signature:
    item = shape.members(value, "signature", frozenset({"keyid", "sig"}))
    return Signature(shape.text(item["keyid"], "keyid", 255), b64.decode(shape.text(item["sig"], "sig")))
