"""Where a gateway is and how this caller shows who it is; shared by both clients."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import grpc

UNIX: Final = "unix:"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
OPTIONS: Final = (
    # An answer carries the outputs of up to 32 steps.
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    # A token must not pass through a proxy that the environment names.
    ("grpc.enable_http_proxy", 0),
    # Attempts are ours: they keep the request_id and know which errors are final.
    ("grpc.enable_retries", 0),
    # gRPC would wait up to two minutes before it looks again for a gateway that restarted.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # A machine that died is noticed while a watch waits.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and what to show there."""

    address: str
    """`unix:/run/countermand/agent.sock` or `host:port`."""
    token: str | None = field(default=None, repr=False)
    credentials: grpc.ChannelCredentials | None = None

    def __post_init__(self) -> None:
        if self.token and self.credentials is None and not self._is_local:
            raise ValueError("a token is not sent in the clear to another machine: name a ca_file")

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return what every call carries."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    @property
    def _is_local(self) -> bool:
        return self.address.startswith(UNIX) or self.address.rpartition(":")[0] in _LOOPBACK


def endpoint(
    address: str,
    token_file: str | os.PathLike[str] | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    certificate_file: str | os.PathLike[str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
) -> Endpoint:
    """Read the files and return the endpoint.

    Raises ValueError for a token file that others can read, or a certificate without its key.
    """
    if (certificate_file is None) != (key_file is None):
        raise ValueError("a client certificate needs both certificate_file and key_file")
    token = None if token_file is None else _read_token(Path(token_file))
    if ca_file is None and certificate_file is None:
        return Endpoint(address, token)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_read(ca_file), private_key=_read(key_file), certificate_chain=_read(certificate_file)
    )
    return Endpoint(address, token, credentials)


def _read_token(path: Path) -> str:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ValueError(f"others can read the token in {path}: chmod 0600")
    token = path.read_text(encoding="ascii").strip()
    if not token:
        raise ValueError(f"{path} is empty")
    return token


def _read(path: str | os.PathLike[str] | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
