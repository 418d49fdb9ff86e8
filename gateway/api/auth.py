"""Tell who calls, from what the transport shows and never from what the request says.

Over a private Unix socket (0600 in a 0700 directory) reaching the socket is the proof; a bearer
token there only tells callers on one socket apart. Over TCP a bearer token or a client
certificate is needed, and a bearer token alone does not vote (`TOKEN_CANNOT_VOTE`).
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gateway.core.principal import Assurance, Door, Principal
from gateway.errors import Forbidden, Unauthenticated

Transport = Literal["unix", "tcp"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a caller showed."""

    transport: Transport
    authorization: str | None = None
    """The authorization header as received."""
    certificate: str | None = None
    """URI name of a verified client certificate, such as a SPIFFE id."""


class Authenticator:
    """The tables of known callers.

    `tokens` maps the hex SHA-256 of a bearer token to its principal, `certificates` a URI name;
    `defaults` names who a caller on a door's own Unix socket is when it shows no token.
    `tokens_may_vote` is for the one-machine default only, where every token is in a 0600 file.
    """

    def __init__(
        self,
        tokens: Mapping[str, Principal],
        defaults: Mapping[Door, Principal],
        certificates: Mapping[str, Principal] | None = None,
        *,
        tokens_may_vote: bool = False,
    ) -> None:
        self._tokens = tuple((bytes.fromhex(digest), principal) for digest, principal in tokens.items())
        self._defaults = {door: replace(p, assurance="socket") for door, p in defaults.items()}
        self._certificates = dict(certificates or {})
        self._tokens_may_vote = tokens_may_vote

    def principal(self, door: Door, shown: Shown) -> Principal:
        """Return who calls at a door; raises Unauthenticated, or Forbidden for another door's identity.

        A token that is shown has to be a known one: there is no way back to the default.
        """
        if shown.authorization is not None:
            assurance: Assurance = "socket" if shown.transport == "unix" else "token"
            return _at(door, replace(self._by_token(shown.authorization), assurance=assurance))
        if shown.certificate is not None:
            return _at(door, replace(self._by_certificate(shown.certificate), assurance="mtls"))
        default = self._defaults.get(door) if shown.transport == "unix" else None
        if default is None:
            raise Unauthenticated(
                "IDENTITY_REQUIRED", "no identity was shown", remedy="send `authorization: Bearer <token>`"
            )
        return default

    def require_vote(self, principal: Principal) -> None:
        """Refuse a bearer token alone where a person answers for the outcome; raises Forbidden."""
        if principal.assurance == "token" and not self._tokens_may_vote:
            raise Forbidden(
                "TOKEN_CANNOT_VOTE",
                "a bearer token alone does not vote",
                remedy="use the approver socket on the gateway's machine, or a client certificate",
            )

    def _by_token(self, authorization: str) -> Principal:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(
                "AUTHORIZATION_MALFORMED", "not a bearer token", remedy="send `authorization: Bearer <token>`"
            )
        digest = hashlib.sha256(token.encode()).digest()
        # Every entry is compared, so that the time tells nothing about the table.
        found = [principal for known, principal in self._tokens if hmac.compare_digest(known, digest)]
        if not found:
            raise Unauthenticated("TOKEN_UNKNOWN", "the token is not known", remedy="use a token of this gateway")
        return found[0]

    def _by_certificate(self, name: str) -> Principal:
        found = self._certificates.get(name)
        if found is None:
            raise Unauthenticated(
                "CERTIFICATE_UNKNOWN", f"`{name}` is not known", remedy="map the certificate to a principal"
            )
        return found


def token_digest(token: str) -> str:
    """Return the key of a token in the table."""
    return hashlib.sha256(token.encode()).hexdigest()


def _at(door: Door, principal: Principal) -> Principal:
    if principal.door != door:
        raise Forbidden(
            "IDENTITY_NOT_FOR_THIS_DOOR",
            f"`{principal.id}` belongs to the {principal.door} door, not to the {door} door",
            remedy=f"call the {principal.door} door",
        )
    return principal
