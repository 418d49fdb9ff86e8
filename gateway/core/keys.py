"""Public keys: who may sign, with which algorithm, and when (RFC 7517, RFC 7638, RFC 8037).

A key in a JWK set carries the standard members `kty crv x y kid alg use` and, in Unix milliseconds, our own
`nbf_ms`, `exp_ms`, `revoked_ms`. The kid is always the RFC 7638 thumbprint; a key with another kid is refused.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.core import b64, shape
from gateway.core.canonical import Json, canonical, loads_strict

MAX_KEYS = 64
_MAX_MS = 2**53 - 1
_COORDINATE_BYTES = 32
_POINT_BYTES = 65


class Alg(StrEnum):
    """Signature algorithms; the names are those of RFC 9864 and RFC 7518."""

    ED25519 = "Ed25519"
    ES256 = "ES256"


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key that is trusted from `not_before_ms` until it expires or is revoked."""

    kid: str
    alg: Alg
    public: bytes
    """Ed25519: the 32 raw bytes. ES256: the 65 bytes of the uncompressed point."""
    not_before_ms: int = 0
    expires_ms: int | None = None
    revoked_ms: int | None = None

    def __post_init__(self) -> None:
        if self.kid != thumbprint(self.alg, self.public):
            raise ValueError("kid is not the thumbprint of the key")

    def verify(self, sig: bytes, data: bytes) -> bool:
        """Tell whether `sig` (Ed25519: 64 bytes; ES256: DER) is this key's signature over data."""
        key = _load(self.alg, self.public)
        try:
            if isinstance(key, Ed25519PublicKey):
                key.verify(sig, data)
            else:
                key.verify(sig, data, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    def refusal_at(self, at_ms: int) -> str | None:
        """Return why the key may not be used at a time, `REVOKED`, `EXPIRED` or `NOT_YET`, or None when it may."""
        if self.revoked_ms is not None and at_ms >= self.revoked_ms:
            return "REVOKED"
        if self.expires_ms is not None and at_ms >= self.expires_ms:
            return "EXPIRED"
        return "NOT_YET" if at_ms < self.not_before_ms else None

    def to_jwk(self) -> dict[str, Json]:
        """Return the key as a member of a JWK set; limits that are not set are absent."""
        limits = {"nbf_ms": self.not_before_ms, "exp_ms": self.expires_ms, "revoked_ms": self.revoked_ms}
        named = {"kid": self.kid, "alg": self.alg.value, "use": "sig"}
        return _jwk(self.alg, self.public) | named | {k: v for k, v in limits.items() if v is not None}

    @classmethod
    def from_jwk(cls, value: Json) -> "VerifyKey":
        """Read a key; raises ValueError for private members, other algorithms or a kid that is not the thumbprint."""
        optional = frozenset({"y", "use", "nbf_ms", "exp_ms", "revoked_ms"})
        item = shape.members(value, "key", frozenset({"kty", "crv", "x", "kid", "alg"}), optional)
        alg, public = _public(item)
        return cls(
            kid=shape.text(item["kid"], "kid", 64),
            alg=alg,
            public=public,
            not_before_ms=_ms(item, "nbf_ms") or 0,
            expires_ms=_ms(item, "exp_ms"),
            revoked_ms=_ms(item, "revoked_ms"),
        )


def verify_key(alg: Alg, public: bytes, *, not_before_ms: int = 0, expires_ms: int | None = None) -> VerifyKey:
    """Return the key with its own thumbprint as kid; raises ValueError when the bytes are no key of this kind."""
    return VerifyKey(thumbprint(alg, public), alg, public, not_before_ms, expires_ms)


@lru_cache(maxsize=256)
def thumbprint(alg: Alg, public: bytes) -> str:
    """Return the RFC 7638 thumbprint, URL-safe base64; raises ValueError when the bytes are no key of this kind."""
    _load(alg, public)
    return b64.encode_url(hashlib.sha256(canonical(_jwk(alg, public))).digest())


def parse_jwks(data: bytes) -> dict[str, VerifyKey]:
    """Read a JWK set as kid → key; raises ValueError for anything malformed, a key twice, or no key at all."""
    item = shape.members(loads_strict(data), "key set", frozenset({"keys"}))
    keys = [VerifyKey.from_jwk(k) for k in shape.array(item["keys"], "keys", MAX_KEYS)]
    found = {key.kid: key for key in keys}
    if not keys or len(found) != len(keys):
        raise ValueError("a key set has one or more keys, each once")
    return found


def emit_jwks(keys: Iterable[VerifyKey]) -> bytes:
    """Return the JWK set as canonical JSON, ordered by kid."""
    return canonical({"keys": [key.to_jwk() for key in sorted(keys, key=lambda k: k.kid)]})


@lru_cache(maxsize=256)
def _load(alg: Alg, public: bytes) -> Ed25519PublicKey | ec.EllipticCurvePublicKey:
    if alg is Alg.ED25519:
        return Ed25519PublicKey.from_public_bytes(public)
    if len(public) != _POINT_BYTES:
        raise ValueError("a P-256 key is an uncompressed point of 65 bytes")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)


def _jwk(alg: Alg, public: bytes) -> dict[str, Json]:
    if alg is Alg.ED25519:
        return {"kty": "OKP", "crv": "Ed25519", "x": b64.encode_url(public)}
    return {"kty": "EC", "crv": "P-256", "x": b64.encode_url(public[1:33]), "y": b64.encode_url(public[33:])}


def _public(item: Mapping[str, Json]) -> tuple[Alg, bytes]:
    kind = (item["kty"], item["crv"], item["alg"], "y" in item)
    x = b64.decode_url(shape.text(item["x"], "x"))
    if kind == ("OKP", "Ed25519", Alg.ED25519.value, False):
        return Alg.ED25519, x
    if kind == ("EC", "P-256", Alg.ES256.value, True):
        y = b64.decode_url(shape.text(item["y"], "y"))
        if len(x) == len(y) == _COORDINATE_BYTES:
            return Alg.ES256, b"\x04" + x + y
    raise ValueError("a key is Ed25519 or ES256")


def _ms(item: Mapping[str, Json], name: str) -> int | None:
    return shape.integer(item[name], name, 0, _MAX_MS) if name in item else None
