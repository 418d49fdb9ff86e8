"""Ed25519 signing keys in a directory of their own; private halves are wrapped, public ones are one JWK set.

`<kid>.key` (mode 0600) is JSON: {schema, kid, alg, kdf: {name, n, r, p, salt}, cipher, nonce, sealed}. `sealed` is
the 32-byte private key under AES-256-GCM; its key is scrypt(passphrase, salt); the other members are authenticated.
`jwks.json` lists every key that ever was, with `nbf_ms`, `exp_ms` and `revoked_ms`: old grants stay verifiable.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gateway.core import b64, shape
from gateway.core.canonical import Json, canonical, loads_strict
from gateway.core.keys import Alg, VerifyKey, emit_jwks, parse_jwks, verify_key
from gateway.errors import ConfigFault, SignerFault
from gateway.private_files import create_private, private_directory, read_private, replace_private

_SCHEMA = "countermand.key/1"
_CIPHER = "AES-256-GCM"
# 32 MiB and about 0.1 s a guess; a file that asks for more is refused, or it could exhaust memory.
_KDF: Mapping[str, Json] = {"name": "scrypt", "n": 2**15, "r": 8, "p": 1}
_LEAST_PASSPHRASE = 16


class FileSigner:
    """Implements `gateway.ports.Signer` with one unwrapped key."""

    def __init__(self, key: VerifyKey, private: Ed25519PrivateKey) -> None:
        self.key = key
        self._private = private

    @property
    def kid(self) -> str:
        """Return the RFC 7638 thumbprint of the public key."""
        return self.key.kid

    async def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the Ed25519 signature."""
        return self._private.sign(data)


class KeyDirectory:
    """The signing keys of one gateway. All times are Unix milliseconds."""

    def __init__(self, path: Path, passphrase: bytes) -> None:
        """Take a directory (mode 0700, created if missing); raises ConfigFault for a wider one."""
        private_directory(path)
        self._path = path
        self._passphrase = passphrase
        self._made: dict[bytes, bytes] = {}
        """Key file → private key, of keys made here: to unwrap it again would take a tenth of a second."""

    def keys(self) -> dict[str, VerifyKey]:
        """Return kid → public key, with the retired and revoked ones; empty before the first key."""
        path = self._path / "jwks.json"
        if not path.exists():
            return {}
        try:
            return parse_jwks(read_private(path))
        except ValueError as exc:
            raise SignerFault("KEY_SET_MALFORMED", f"`{path}` is not a key set: {exc}") from exc

    def generate(self, not_before_ms: int) -> VerifyKey:
        """Add a key that signs from `not_before_ms` on; the others keep their limits."""
        with self._locked():
            return self._add(self.keys(), not_before_ms)

    def rotate(self, now_ms: int, overlap_ms: int) -> VerifyKey:
        """Add a key that signs from now on, and let every other expire after `overlap_ms` at the latest.

        The overlap must cover the longest life of a grant plus the time that key sets are cached.
        """
        end = now_ms + overlap_ms
        with self._locked():
            old = {kid: replace(key, expires_ms=min(end, key.expires_ms or end)) for kid, key in self.keys().items()}
            return self._add(old, now_ms)

    def stamp(self) -> tuple[int, int, int]:
        """Return what changes whenever the key set is written; zeros for none."""
        path = self._path / "jwks.json"
        if not path.exists():
            return 0, 0, 0
        stat = path.stat()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def revoke(self, kid: str, at_ms: int, *, by: str = "", reason: str = "") -> VerifyKey:
        """Mark a key as not to be trusted from `at_ms` on; an earlier revocation stands.

        Who did it and why is kept beside the key, for the log of the gateway: the key set itself is public.
        """
        with self._locked():
            keys = self.keys()
            if kid not in keys:
                raise SignerFault("KEY_MISSING", f"no key {kid!r} in `{self._path}`", kid=kid)
            create_private(self._path / f"{kid}.revoked", canonical({"by": by, "reason": reason}) + b"\n")
            earlier = keys[kid].revoked_ms
            keys[kid] = replace(keys[kid], revoked_ms=at_ms if earlier is None else min(earlier, at_ms))
            self._save(keys)
            return keys[kid]

    def why_revoked(self, kid: str) -> Mapping[str, str]:
        """Return {by, reason} of a revocation; empty when nobody said."""
        path = self._path / f"{kid}.revoked"
        if not path.exists():
            return {}
        try:
            item = shape.members(loads_strict(read_private(path)), "revocation", frozenset({"by", "reason"}))
            return {name: shape.text(value, name, 4_096) for name, value in item.items()}
        except (ConfigFault, ValueError) as exc:
            return {"by": "", "reason": f"`{path.name}` cannot be read: {exc}"}  # the revocation itself must not wait

    def active(self, now_ms: int) -> VerifyKey:
        """Return the newest key that may sign now; raises SignerFault when there is none."""
        usable = [key for key in self.keys().values() if _may_sign(key, now_ms)]
        if not usable:
            raise SignerFault("KEY_MISSING", f"no usable key in `{self._path}`; run: countermand keys new")
        return max(usable, key=lambda key: (key.not_before_ms, key.kid))

    def signer(self, now_ms: int) -> FileSigner:
        """Unwrap the active key; raises SignerFault when it is missing, locked or not what it says."""
        key = self.active(now_ms)
        path = self._path / f"{key.kid}.key"
        if not path.exists():
            raise SignerFault("KEY_MISSING", f"`{path}` is missing", kid=key.kid)
        data = read_private(path)
        raw = self._made.get(data) or _unwrap(data, self._passphrase, path)
        private = Ed25519PrivateKey.from_private_bytes(raw)
        if private.public_key().public_bytes_raw() != key.public:
            raise SignerFault("KEY_MISMATCH", f"`{path}` holds another key than its name says", kid=key.kid)
        return FileSigner(key, private)

    def _add(self, others: Mapping[str, VerifyKey], not_before_ms: int) -> VerifyKey:
        private = Ed25519PrivateKey.generate()
        key = verify_key(Alg.ED25519, private.public_key().public_bytes_raw(), not_before_ms=not_before_ms)
        # The private half first: a set that names a key nobody has would stop the signer.
        raw = private.private_bytes_raw()
        file = _wrap(key.kid, raw, self._passphrase)
        create_private(self._path / f"{key.kid}.key", file)
        self._made[file] = raw
        self._save({**others, key.kid: key})
        return key

    def _save(self, keys: Mapping[str, VerifyKey]) -> None:
        replace_private(self._path / "jwks.json", emit_jwks(keys.values()) + b"\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        handle = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def passphrase_from(path: Path) -> bytes:
    """Read a passphrase from a file or credential that nobody else may read; the last line break is not part of it."""
    passphrase = read_private(path).removesuffix(b"\n")
    if len(passphrase) < _LEAST_PASSPHRASE:
        raise SignerFault("PASSPHRASE_SHORT", f"`{path}` holds fewer than {_LEAST_PASSPHRASE} bytes")
    return passphrase


def local_passphrase(path: Path) -> bytes:
    """Return the passphrase in a file, made at random on first use.

    The local default: whoever can read the key can read this too, so it only protects copies of the key alone.
    """
    if not path.exists():
        create_private(path, secrets.token_urlsafe(32).encode() + b"\n")
    return passphrase_from(path)


def _may_sign(key: VerifyKey, now_ms: int) -> bool:
    return (
        key.not_before_ms <= now_ms and key.revoked_ms is None and (key.expires_ms is None or now_ms < key.expires_ms)
    )


def _wrap(kid: str, private: bytes, passphrase: bytes) -> bytes:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    named = {"schema": _SCHEMA, "kid": kid, "alg": Alg.ED25519.value, "cipher": _CIPHER, "nonce": b64.encode_url(nonce)}
    header = {**named, "kdf": {**_KDF, "salt": b64.encode_url(salt)}}
    sealed = AESGCM(_derive(passphrase, salt)).encrypt(nonce, private, canonical(header))
    return canonical({**header, "sealed": b64.encode_url(sealed)}) + b"\n"


def _unwrap(data: bytes, passphrase: bytes, path: Path) -> bytes:
    try:
        header, salt, nonce, sealed = _key_file(loads_strict(data))
        return AESGCM(_derive(passphrase, salt)).decrypt(nonce, sealed, canonical(header))
    except ValueError as exc:
        raise SignerFault("KEY_MALFORMED", f"`{path}` is not a key file: {exc}") from exc
    except InvalidTag as exc:
        raise SignerFault("KEY_LOCKED", f"`{path}` does not open: wrong passphrase, or the file was changed") from exc


def _key_file(value: Json) -> tuple[Mapping[str, Json], bytes, bytes, bytes]:
    """Return (authenticated members, salt, nonce, sealed key); raises ValueError for another format or cost."""
    item = shape.members(value, "key file", frozenset({"schema", "kid", "alg", "cipher", "nonce", "kdf", "sealed"}))
    kdf = shape.members(item["kdf"], "kdf", frozenset({*_KDF, "salt"}))
    if (item["schema"], item["alg"], item["cipher"]) != (_SCHEMA, Alg.ED25519.value, _CIPHER):
        raise ValueError("another format than this gateway writes")
    if any(kdf[name] != wanted for name, wanted in _KDF.items()):
        raise ValueError("another cost of the passphrase than this gateway writes")
    salt, nonce, sealed = (b64.decode_url(shape.text(x, "text")) for x in (kdf["salt"], item["nonce"], item["sealed"]))
    return {name: member for name, member in item.items() if name != "sealed"}, salt, nonce, sealed


def _derive(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_KDF["n"], r=_KDF["r"], p=_KDF["p"]).derive(passphrase)
