"""Public keys, thumbprints and key sets."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.core.b64 import encode_url
from gateway.core.keys import Alg, VerifyKey, emit_jwks, parse_jwks, thumbprint, verify_key

ED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
EC = ec.derive_private_key(7, ec.SECP256R1())
ED_KEY = verify_key(Alg.ED25519, ED.public_key().public_bytes_raw(), not_before_ms=5, expires_ms=9)
EC_KEY = verify_key(Alg.ES256, EC.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def test_the_thumbprint_is_that_of_rfc_8037_appendix_a3() -> None:
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert thumbprint(Alg.ED25519, public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_both_algorithms_verify() -> None:
    assert ED_KEY.verify(ED.sign(b"data"), b"data")
    assert EC_KEY.verify(EC.sign(b"data", ec.ECDSA(SHA256())), b"data")


@pytest.mark.parametrize("key", [ED_KEY, EC_KEY])
@pytest.mark.parametrize("sig", [b"", b"x" * 64, ED.sign(b"other")])
def test_a_foreign_or_broken_signature_does_not_verify(key: VerifyKey, sig: bytes) -> None:
    assert not key.verify(sig, b"data")


def test_a_key_set_survives_the_wire() -> None:
    revoked = VerifyKey(EC_KEY.kid, EC_KEY.alg, EC_KEY.public, 1, None, 4)
    keys = {k.kid: k for k in (ED_KEY, revoked)}
    assert parse_jwks(emit_jwks(keys.values())) == keys


def test_a_published_key_shows_its_limits_and_nothing_private() -> None:
    assert set(ED_KEY.to_jwk()) == {"kty", "crv", "x", "kid", "alg", "use", "nbf_ms", "exp_ms"}
    assert set(EC_KEY.to_jwk()) == {"kty", "crv", "x", "y", "kid", "alg", "use", "nbf_ms"}


def test_a_kid_that_is_not_the_thumbprint_is_refused() -> None:
    with pytest.raises(ValueError, match="thumbprint"):
        VerifyKey("mine", Alg.ED25519, ED_KEY.public)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"alg": "EdDSA"}, "Ed25519 or ES256"),
        ({"crv": "P-256"}, "Ed25519 or ES256"),
        ({"alg": "none"}, "Ed25519 or ES256"),
        ({"kid": "other"}, "thumbprint"),
        ({"d": "secret"}, "unknown member 'd'"),
        ({"x": "AA"}, "32 bytes"),
        ({"x": "AA=="}, "URL-safe"),
        ({"x": "A!"}, "base64"),
        ({"nbf_ms": -1}, "nbf_ms"),
        ({"exp_ms": "1"}, "exp_ms"),
    ],
)
def test_a_malformed_key_is_refused(change: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        VerifyKey.from_jwk(ED_KEY.to_jwk() | change)


def test_coordinates_of_another_length_are_refused() -> None:
    x, y = EC_KEY.public[1:33], EC_KEY.public[33:]
    jwk = EC_KEY.to_jwk() | {"x": encode_url(x[:-1]), "y": encode_url(x[-1:] + y)}
    with pytest.raises(ValueError, match="Ed25519 or ES256"):
        VerifyKey.from_jwk(jwk)


def test_a_point_off_the_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid EC key"):
        verify_key(Alg.ES256, b"\x04" + b"\x01" * 64)
    with pytest.raises(ValueError, match="65 bytes"):
        verify_key(Alg.ES256, b"\x02" + EC_KEY.public[1:33])


def test_a_key_set_with_a_key_twice_or_none_is_refused() -> None:
    with pytest.raises(ValueError, match="each once"):
        parse_jwks(json.dumps({"keys": [ED_KEY.to_jwk()] * 2}).encode())
    with pytest.raises(ValueError, match="one or more"):
        parse_jwks(b'{"keys":[]}')
