"""Public keys from a file that an auditor keeps."""

from pathlib import Path

from gateway.cli.failure import CommandError
from gateway.core.keys import VerifyKey, parse_jwks


def keys_from(path: Path) -> dict[str, VerifyKey]:
    """Read a JWK set; raises CommandError."""
    try:
        return parse_jwks(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise CommandError("KEYS_UNREADABLE", f"{path} is no set of public keys: {exc}",
                           remedy="give the gateway's jwks.json with --keys") from exc  # fmt: skip
