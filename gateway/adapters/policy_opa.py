"""An OPA server over REST.

Every revision is uploaded under a root of its own (`countermand_<revision>`), so a new one is tried beside the
one in force, several gateways may share a server, and the swap is one assignment here. The hot path is one pooled
keep-alive session; `opa_client` does health, status and uploads.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import orjson
from opa_client.errors import ConnectionsError, DeleteDataError, DeletePolicyError, RegoParseError
from opa_client.opa_async import AsyncOpaClient

from gateway.adapters.policy_checks import check_bundle, check_canary, evaluate_samples
from gateway.adapters.policy_document import Documents
from gateway.adapters.policy_regorus import modules_of
from gateway.core.bundle import ROOT, Bundle
from gateway.core.bundle_merge import Module, reroot
from gateway.core.canonical import Json, thaw
from gateway.errors import ConfigFault, PolicyFault, PolicyRefused
from gateway.ports_policy import PolicyAnswer

_log = logging.getLogger(__name__)
_JSON = {"Content-Type": "application/json"}
_UPLOAD_TIMEOUT_S = 10.0
_REVISION_DIGITS = 24
# opa_client's errors have no common base; it lets aiohttp's and a server's malformed answers through.
_FOREIGN = (
    ConnectionsError,
    RegoParseError,
    DeleteDataError,
    DeletePolicyError,
    aiohttp.ClientError,
    TimeoutError,
    ValueError,
)


class OpaEngine:
    """The `PolicyEngine` port over an OPA server."""

    def __init__(
        self, url: str = "http://127.0.0.1:8181", *, socket: str = "", token: str = "", timeout_s: float = 1.0
    ) -> None:
        """Point at a server; `socket` is a Unix socket of the same server for the hot path. Nothing connects yet."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
            raise ConfigFault("POLICY_OPA_URL_INVALID", f"{url!r} is no http(s) URL of a server")
        self._host, self._port = parts.hostname, parts.port or 8181
        self._tls = parts.scheme == "https"
        self._base = "http://opa" if socket else url.rstrip("/")
        self._socket, self._token, self._timeout_s = socket, token, timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._current: tuple[Bundle, Documents, str] | None = None
        self._loading = asyncio.Lock()
        self._healing: asyncio.Task[None] | None = None

    @property
    def revision(self) -> str:
        """Return the revision in force; empty before the first load."""
        return "" if self._current is None else self._current[0].revision

    @property
    def bundle(self) -> Bundle | None:
        """Return the bundle in force."""
        return None if self._current is None else self._current[0]

    async def evaluate(self, document: Mapping[str, Json]) -> PolicyAnswer:
        """Evaluate a document; raises PolicyFault.

        A server that has lost the revision (a restart) costs this denial and is given it again.
        """
        if self._current is None:
            raise PolicyFault("POLICY_NOT_LOADED", "no policy revision is in force")
        bundle, documents, root = self._current
        try:
            return await self._evaluate(documents, root, document)
        except PolicyFault as exc:
            if exc.code == "POLICY_UNDEFINED" and (self._healing is None or self._healing.done()):
                self._healing = asyncio.create_task(self._heal(bundle, root))
            raise

    async def load(self, bundle: Bundle) -> None:
        """Lint, upload beside the revision in force, canary, swap; raises PolicyRefused and keeps the old one."""
        async with self._loading:
            required = await asyncio.to_thread(check_bundle, bundle)
            documents, root = Documents(bundle), _root_of(bundle)
            await self._canary(bundle, documents, required)
            async with self._admin() as admin:
                await _upload(admin, root, modules_of(bundle), bundle.config)
            await evaluate_samples(bundle, lambda document: self._evaluate(documents, root, document))
            old, self._current = self._current, (bundle, documents, root)
            if old is not None and old[2] != root:
                async with self._admin() as admin:
                    await _delete(admin, old[2])

    async def status(self) -> Mapping[str, Json]:
        """Return what the server says about itself: {healthy, policies}; raises PolicyFault when it is unreachable."""
        async with self._admin() as admin:
            return {"healthy": await admin.check_health(), "policies": sorted(await admin.get_policies_list())}

    async def close(self) -> None:
        """Close the connections; the server keeps the revision."""
        if self._healing is not None:
            self._healing.cancel()
            await asyncio.gather(self._healing, return_exceptions=True)
        session, self._session, self._current = self._session, None, None
        if session is not None:
            await session.close()

    async def _canary(self, bundle: Bundle, documents: Documents, required: frozenset[tuple[str, str]]) -> None:
        root = _root_of(bundle) + "_canary"
        async with self._admin() as admin:
            try:
                await _upload(admin, root, modules_of(bundle), bundle.sample_config)
                await check_canary(bundle, required, lambda document: self._evaluate(documents, root, document))
            finally:
                await _delete(admin, root)

    async def _evaluate(self, documents: Documents, root: str, document: Mapping[str, Json]) -> PolicyAnswer:
        data, steps = documents.encode(document)
        url = f"{self._base}/v1/data/{root}/main/decision?strict-builtin-errors=true"
        try:
            async with self._hot().post(url, data=b'{"input":' + data + b"}", headers=_JSON) as response:
                status, body = response.status, await response.read()
        except TimeoutError as exc:
            raise PolicyFault("POLICY_TIMEOUT", f"OPA did not answer within {self._timeout_s:g} s") from exc
        except aiohttp.ClientError as exc:
            raise PolicyFault("POLICY_UNREACHABLE", f"OPA: {exc}") from exc
        if status != 200:
            raise PolicyFault("POLICY_ENGINE_ERROR", f"OPA answered {status}: {body[:300].decode(errors='replace')}")
        answer = orjson.loads(body) if body[:1] == b"{" else None
        if not isinstance(answer, dict) or "result" not in answer:
            raise PolicyFault("POLICY_UNDEFINED", f"data.{root}.main.decision is undefined")
        return documents.answer(orjson.dumps(answer["result"]), steps)

    def _hot(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.UnixConnector(self._socket) if self._socket else aiohttp.TCPConnector(limit=64)
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AsyncOpaClient]:
        """Open an administrative client; whatever it raises becomes PolicyRefused POLICY_UPLOAD_FAILED."""
        try:
            async with AsyncOpaClient(
                host=self._host, port=self._port, ssl=self._tls, token=self._token or None, timeout=_UPLOAD_TIMEOUT_S
            ) as admin:
                yield admin
        except (PolicyRefused, PolicyFault, asyncio.CancelledError):
            raise
        except _FOREIGN as exc:
            detail = " ".join(str(part) for part in (getattr(exc, "expression", ""), getattr(exc, "message", exc)))
            raise PolicyRefused("POLICY_UPLOAD_FAILED", f"OPA: {type(exc).__name__}: {detail[:300]}") from exc

    async def _heal(self, bundle: Bundle, root: str) -> None:
        async with self._loading:
            try:
                async with self._admin() as admin:
                    await _upload(admin, root, modules_of(bundle), bundle.config)
            except PolicyRefused:
                _log.exception("OPA has lost policy %s and did not take it back", bundle.revision)


def _root_of(bundle: Bundle) -> str:
    return f"{ROOT}_{bundle.revision.removeprefix('sha256:')[:_REVISION_DIGITS]}"


async def _upload(admin: AsyncOpaClient, root: str, modules: Sequence[Module], config: Mapping[str, Json]) -> None:
    """Put data, then modules, in as many rounds as their mutual calls need: OPA compiles at every put."""
    await admin.update_or_create_data(thaw(config), f"{root}/config")
    left = list(modules)
    while left:
        failed: list[tuple[Module, RegoParseError]] = []
        for module in left:
            try:
                text = reroot(module.text, ROOT, root)
                await admin.update_policy_from_string(text, f"{root}/{module.package}", rego_compat=False)
            except RegoParseError as exc:
                failed.append((module, exc))
        if len(failed) == len(left):
            raise failed[0][1]
        left = [module for module, _ in failed]


async def _delete(admin: AsyncOpaClient, root: str) -> None:
    """Take a revision away again; modules first, in as many rounds as their mutual calls need."""
    left = [policy for policy in await admin.get_policies_list() if policy.startswith(f"{root}/")]
    while left:
        remaining = [policy for policy in left if not await _deleted(admin, policy)]
        if len(remaining) == len(left):
            raise PolicyRefused("POLICY_UPLOAD_FAILED", f"OPA keeps {left[0]}")
        left = remaining
    try:
        await admin.delete_data(root)
    except DeleteDataError as exc:
        _log.debug("OPA had no data of %s: %s", root, exc.message)


async def _deleted(admin: AsyncOpaClient, policy: str) -> bool:
    try:
        return bool(await admin.delete_policy(policy))
    except DeletePolicyError:
        return False
