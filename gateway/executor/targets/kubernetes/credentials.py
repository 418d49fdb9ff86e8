"""Whom a request is made as: the bootstrap credential, a service account by a short token, or an impersonation."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

from gateway.errors import ConfigFault
from gateway.executor.config_kubernetes import KubernetesIdentity, KubernetesScope
from gateway.executor.targets.kubernetes.calls import CallFailed
from gateway.executor.targets.kubernetes.wire import Headers, Reply, Request
from gateway.private_files import read_private

IdentityClass = Literal["read", "write"]
_KEPT = 0.8
"""The part of a token's life after which another is asked for."""
_CREATED = 201


@dataclass(frozen=True, slots=True)
class Login:
    """How a request says who it is from."""

    headers: Headers
    certificate: bool
    """The bootstrap's client certificate is shown; it would outrank a token."""


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    until: float


class Credentials:
    """The logins of one cluster; called from many threads."""

    def __init__(self, scope: KubernetesScope, send: Callable[[Request, Login], Reply]) -> None:
        self._scope = scope
        self._send = send
        self._tokens: dict[str, _Token] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def identity(self, kind: IdentityClass, namespace: str | None) -> KubernetesIdentity:
        """Return whom requests of a class are made as. Raises CallFailed when there is nobody."""
        own = self._scope.namespaces.get(namespace or "")
        found = (getattr(own, kind) if own is not None else None) or getattr(self._scope.identities, kind)
        if found is None:
            raise CallFailed("K8S_NO_WRITE_IDENTITY", "the scope has no identity that may write; it only reads",
                             sent=False)  # fmt: skip
        return found  # type: ignore[no-any-return]  # an attribute of KubernetesIdentities by name

    def login(self, identity: KubernetesIdentity) -> Login:
        """Return the login of an identity; asks for a token when there is none that lives. Raises CallFailed."""
        if identity.service_account:
            return Login(_bearer(self._token(identity.service_account)), certificate=False)
        headers = _bearer(secret_text(self._scope.token_file)) if self._scope.token_file else ()
        if identity.impersonate:
            groups = (("Impersonate-Group", group) for group in identity.groups)
            headers = (*headers, ("Impersonate-User", identity.impersonate), *groups)
        return Login(headers, certificate=True)

    def forget(self, identity: KubernetesIdentity) -> bool:
        """Drop the token of an identity that was refused; false when there was none to drop."""
        with self._lock:
            return self._tokens.pop(identity.service_account, None) is not None

    def _token(self, account: str) -> str:
        with self._lock:
            lock = self._locks.setdefault(account, threading.Lock())
        with lock:
            kept = self._tokens.get(account)
            if kept is not None and time.monotonic() < kept.until:
                return kept.value
            found = self._ask(account)
            with self._lock:
                self._tokens[account] = found
            return found.value

    def _ask(self, account: str) -> _Token:
        """Ask for a token of a service account; its life counts from before the question."""
        namespace, _, name = account.partition("/")
        asked = time.monotonic()
        body = {
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"expirationSeconds": self._scope.token_seconds},
        }  # fmt: skip
        request = Request(
            "POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
            (("Content-Type", "application/json"), ("Accept", "application/json")), orjson.dumps(body), read=True,
        )  # fmt: skip
        reply = self._send(request, self.login(KubernetesIdentity()))
        if reply.status != _CREATED:
            detail = f"no token for service account {account}: HTTP {reply.status}"
            raise CallFailed("K8S_TOKEN_REFUSED", detail, sent=False)
        try:
            answer = orjson.loads(reply.data)
            value, seconds = str(answer["status"]["token"]), int(answer["spec"]["expirationSeconds"])
        except (ValueError, KeyError, TypeError) as exc:
            raise CallFailed("K8S_TOKEN_REFUSED", f"no token for service account {account}", sent=False) from exc
        return _Token(value, asked + _KEPT * min(seconds, self._scope.token_seconds))


def _bearer(token: str) -> Headers:
    return (("Authorization", f"Bearer {token}"),)


def secret_text(path: Path) -> str:
    """Return a file that only we can read, as it is now: kubelets and vault agents replace it. Raises CallFailed."""
    try:
        return read_private(path).decode("ascii").strip()
    except (ConfigFault, UnicodeDecodeError) as exc:
        raise CallFailed("K8S_CREDENTIAL_FILE", f"{path} is not a text that only we can read", sent=False) from exc


def state_of(*paths: Path | None) -> str:
    """Return what changes when one of the files does."""
    told = hashlib.sha256()
    for path in paths:
        if path is not None:
            try:
                found = path.stat()
            except OSError as exc:
                raise CallFailed("K8S_CREDENTIAL_FILE", f"{path} cannot be read", sent=False) from exc
            told.update(f"{path}:{found.st_mtime_ns}:{found.st_ino}:{found.st_size};".encode())
    return told.hexdigest()
