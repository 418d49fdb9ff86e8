"""The public keys of a gateway, read from its JWK set; pure, with nothing but `cryptography`."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from agent_client.strict import from_base64_url, integer, loads_strict, sequence, text


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key of the gateway and when it was valid, in Unix milliseconds."""

    kid: str
    """RFC 7638 thumbprint."""
    public: Ed25519PublicKey | ec.EllipticCurvePublicKey
    not_before_ms: int
    expires_ms: int | None
    revoked_ms: int | None

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Tell whether the signature (Ed25519: 64 bytes; ES256: DER) over data is this key's."""
        try:
            if isinstance(self.public, Ed25519PublicKey):
                self.public.verify(signature, data)
            else:
                self.public.verify(signature, data, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    def valid_at(self, at_ms: int) -> bool:
        """Tell whether the key might be used at a time."""
        ends = [end for end in (self.expires_ms, self.revoked_ms) if end is not None]
        return self.not_before_ms <= at_ms and all(at_ms < end for end in ends)


def read_keys(jwks: bytes) -> dict[str, TrustedKey]:
    """Return kid → key; raises ValueError for a set that is malformed or names a key by another thumbprint."""
    document = loads_strict(jwks)
    keys = [_key(member) for member in sequence(document, "keys")]
    if not keys:
        raise ValueError("the key set is empty")
    return {key.kid: key for key in keys}


def _key(jwk: Any) -> TrustedKey:
    kind = (text(jwk, "kty"), text(jwk, "crv"), text(jwk, "alg"))
    public: Ed25519PublicKey | ec.EllipticCurvePublicKey
    if kind == ("OKP", "Ed25519", "Ed25519"):
        members = {"crv": "Ed25519", "kty": "OKP", "x": text(jwk, "x")}
        public = Ed25519PublicKey.from_public_bytes(from_base64_url(members["x"]))
    elif kind == ("EC", "P-256", "ES256"):
        members = {"crv": "P-256", "kty": "EC", "x": text(jwk, "x"), "y": text(jwk, "y")}
        point = b"\x04" + from_base64_url(members["x"]) + from_base64_url(members["y"])
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    else:
        raise ValueError("a key is Ed25519 or ES256")
    # RFC 7638: the required members, in lexical order, without white space.
    thumbprint = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    if from_base64_url(text(jwk, "kid")) != thumbprint:
        raise ValueError("kid is not the thumbprint of the key")
    not_before_ms = integer(jwk, "nbf_ms") if "nbf_ms" in jwk else 0
    return TrustedKey(
        text(jwk, "kid"), public, not_before_ms, _optional_ms(jwk, "exp_ms"), _optional_ms(jwk, "revoked_ms")
    )


def _optional_ms(jwk: Any, name: str) -> int | None:
    return integer(jwk, name) if name in jwk else None
