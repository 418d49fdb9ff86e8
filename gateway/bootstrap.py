"""The composition root: settings to a running gateway; the only module that sees adapters and doors at once."""

import asyncio
import gc
import hashlib
import logging
import secrets
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from gateway.adapters.bundle import fingerprint, read_bundle
from gateway.adapters.clock import SystemClock
from gateway.adapters.ids import UlidIds
from gateway.adapters.keys_file import KeyDirectory, local_passphrase
from gateway.adapters.keys_live import LiveKeys
from gateway.adapters.policy_inprocess import InProcessEngine
from gateway.adapters.policy_workers import WorkerEngine
from gateway.adapters.seal import sealer_from
from gateway.adapters.store_sqlite import SqliteStore
from gateway.api.auth import Authenticator, token_digest
from gateway.api.grpc.server import Doors, Listener
from gateway.api.http.signature import parse_secret
from gateway.config import PolicySettings, PrincipalSettings, Settings, TcpSettings
from gateway.core.keys import emit_jwks
from gateway.core.principal import Door, Principal
from gateway.core.redact import Redactor
from gateway.errors import ConfigFault
from gateway.exporters import open_exporters
from gateway.notifiers import open_notifiers
from gateway.observability import Metrics
from gateway.parts import Layout, bundle_path, load_catalog, texts_of
from gateway.ports import Clock
from gateway.ports_policy import PolicyEngine
from gateway.private_files import create_private, private_directory, read_private, replace_private
from gateway.service.bus import Bus
from gateway.service.deliver import export_for_ever, notify_for_ever
from gateway.service.drive import Driver
from gateway.service.gateway import Gateway
from gateway.service.hub import Hub
from gateway.service.keyring import KeyFollower
from gateway.service.log import CheckpointSigner
from gateway.service.revise import Reviser
from gateway.service.start import refuse_old_clock, started
from gateway.service.world import World

_LOG = logging.getLogger(__name__)
_COLLECT_AFTER = 20_000
"""Objects that a gateway may make before garbage is collected: about thirty decisions."""


_SECRET_BYTES = 32
_LEAST_TOKEN = 16


@dataclass(slots=True)
class Running:
    """A gateway that is up."""

    gateway: Gateway
    world: World
    layout: Layout
    addresses: tuple[str, ...]
    background: list[asyncio.Task[None]] = field(default_factory=list)

    async def wait(self) -> None:
        """Wait until a part of the gateway fails; raises what it raised."""
        done, _ = await asyncio.wait(self.background, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


def policy_engine(settings: PolicySettings) -> PolicyEngine:
    """Return the configured engine, with no revision in force yet."""
    timeout_s = settings.timeout_ms / 1000
    if settings.engine == "opa":
        from gateway.adapters.policy_opa import OpaEngine  # and aiohttp: a fifth of the imports of a start

        return OpaEngine(settings.opa_url, socket=str(settings.opa_socket or ""), timeout_s=timeout_s)
    return WorkerEngine(settings.workers, timeout_s) if settings.workers else InProcessEngine()


@asynccontextmanager
async def running(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Run a gateway: doors, driver, checkpoints, sinks; raises a GatewayFault before it opens."""
    clock = clock or SystemClock()
    layout = Layout(settings.state_dir)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        keys = _keys(layout, clock)
        live = LiveKeys(keys, clock)
        world = await _world(settings, layout, clock, metrics, live, stack)
        gateway = Gateway(world)
        await refuse_old_clock(world)
        reviser = _reviser(settings.policy, world)
        await _first_revision(reviser, world)
        gateway.policy_error = lambda: reviser.error
        signer = CheckpointSigner(world)
        await signer.resume()
        await started(world, keys.why_revoked)
        doors = Doors(gateway, _authenticator(settings, layout))
        addresses = await doors.open(_listeners(settings, layout))
        stack.push_async_callback(doors.close)
        up = Running(gateway, world, layout, addresses)
        follower = KeyFollower(world, live.refresh, keys.why_revoked, lambda: publish_keys(layout, world))
        work: list[Coroutine[Any, Any, None]] = [Driver(world).run(), signer.run(), reviser.watch(), follower.watch()]
        work += [export_for_ever(world, e) for e in open_exporters(settings.exporters)]
        work += [notify_for_ever(world, n) for n in open_notifiers(settings.notifiers, clock)]
        if settings.http.port:
            work.append(_serve_http(settings, gateway, metrics, clock))
        up.background = [asyncio.create_task(w) for w in work]
        stack.push_async_callback(_stop, up.background)
        _settle_memory()
        yield up


def _settle_memory() -> None:
    """Take what was loaded out of the collector's sight, and let it look at what calls leave behind less often.

    A full collection would stop every caller for as long as it takes to walk the parsing tables.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def publish_keys(layout: Layout, world: World) -> None:
    """Write the key set that executors on this machine pin."""
    replace_private(layout.keys / "trusted.json", emit_jwks(world.keys().values()) + b"\n")


def _keys(layout: Layout, clock: Clock) -> KeyDirectory:
    """Open the signing keys, or make the first one."""
    private_directory(layout.root)
    private_directory(layout.secrets)
    _refuse_lost_keys(layout)
    keys = KeyDirectory(layout.keys, local_passphrase(layout.secrets / "passphrase"))
    if not keys.keys():
        keys.generate(clock.now_ms())
    return keys


async def _world(
    settings: Settings, layout: Layout, clock: Clock, metrics: Metrics, keys: LiveKeys, stack: AsyncExitStack
) -> World:
    catalog = load_catalog(settings)
    policy = policy_engine(settings.policy)
    stack.push_async_callback(policy.close)
    store = SqliteStore.open(layout.database)
    stack.push_async_callback(store.close)
    redaction = _secret(layout.secrets / "redact.key")
    return World(
        store=store, policy=policy, signer=keys, clock=clock, ids=UlidIds(clock),
        sealer=sealer_from(layout.secrets / "seal.key"), redactor=Redactor(_kid(redaction), redaction),
        catalog=catalog, settings=settings.service, keys=keys, texts=texts_of(policy),
        counts=metrics,
        bus=Bus(), hub=Hub(),
    )  # fmt: skip


def _refuse_lost_keys(layout: Layout) -> None:
    """A database without its secrets cannot sign, or undo what it began: say so instead of making new ones."""
    for name in ("seal.key", "redact.key", "passphrase"):
        if layout.database.exists() and not (layout.secrets / name).exists():
            raise ConfigFault(
                "KEY_LOST", f"`{layout.database}` exists but `{layout.secrets / name}` does not; restore it"
            )


def _secret(path: Path) -> bytes:
    if not path.exists():
        create_private(path, secrets.token_bytes(_SECRET_BYTES))
    secret = read_private(path)
    if len(secret) < _SECRET_BYTES:
        text = f"`{path}` holds fewer than {_SECRET_BYTES} bytes; restore it"
        raise ConfigFault("SECRET_SHORT", text, path=str(path))
    return secret


def _kid(key: bytes) -> str:
    return hashlib.sha256(b"kid" + key).hexdigest()[:8]


def _reviser(settings: PolicySettings, world: World) -> Reviser:
    path = bundle_path(settings)
    return Reviser(world, lambda: read_bundle(path, settings.overlay), lambda: fingerprint(path, settings.overlay))


async def _first_revision(reviser: Reviser, world: World) -> None:
    await reviser.look()
    if not world.policy.revision:
        raise ConfigFault("POLICY_NONE", f"no policy revision could be loaded: {reviser.error}")


def _authenticator(settings: Settings, layout: Layout) -> Authenticator:
    """Known callers: the configured ones, else one generated identity a door; said so loudly."""
    if not settings.principals:
        _LOG.warning("no principals are configured: whoever reaches the sockets in %s is trusted", layout.root)
    configured = settings.principals or _LOCAL
    if not any(p.door == "executor" for p in configured):
        configured = (*configured, PrincipalSettings("local-executor", "executor", default=True))
    private_directory(layout.tokens)
    tokens: dict[str, Principal] = {}
    defaults: dict[Door, Principal] = {}
    certificates: dict[str, Principal] = {}
    for known in configured:
        principal = Principal(known.id, known.owner, known.groups, known.door, "token", known.model_tier)
        token = _token(known.token_file or layout.tokens / _file_name(known.id))
        tokens[token_digest(token)] = principal
        if known.certificate:
            certificates[known.certificate] = principal
        if known.default:
            defaults[known.door] = principal
    return Authenticator(tokens, defaults, certificates)


_LOCAL = (
    PrincipalSettings("local-agent", "agent", owner="local", groups=("sre-agents",), default=True),
    PrincipalSettings("local-approver", "approver", groups=("sre-oncall",), default=True),
)


def _file_name(principal: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in principal)


def _token(path: Path) -> str:
    if not path.exists():
        create_private(path, secrets.token_urlsafe(32).encode() + b"\n")
    token = read_private(path).decode(errors="replace").strip()
    if len(token) < _LEAST_TOKEN or not token.isascii():
        text = f"`{path}` holds no token of at least {_LEAST_TOKEN} ASCII characters; remove it to have one made"
        raise ConfigFault("TOKEN_SHORT", text, path=str(path))
    return token


def _listeners(settings: Settings, layout: Layout) -> list[Listener]:
    doors: tuple[Door, ...] = ("agent", "approver", "executor")
    private = [Listener(door, f"unix:{layout.socket(door)}") for door in doors]
    return private + [Listener(t.door, f"{t.host}:{t.port}", _credentials(t)) for t in settings.tcp]


def _credentials(tcp: TcpSettings) -> grpc.ServerCredentials | None:
    if tcp.certificate is None or tcp.key is None:
        return None
    pair = (tcp.key.read_bytes(), tcp.certificate.read_bytes())
    if tcp.client_ca is None:
        return grpc.ssl_server_credentials([pair])
    return grpc.ssl_server_credentials([pair], tcp.client_ca.read_bytes(), require_client_auth=True)


async def _serve_http(settings: Settings, gateway: Gateway, metrics: Metrics, clock: Clock) -> None:
    import uvicorn  # with FastAPI a fourth of the imports of a start

    from gateway.api.http.app import create_app

    path = settings.http.webhook_secret_file
    secrets_ = [parse_secret(read_private(path).decode().strip())] if path is not None else []
    app = create_app(gateway, metrics, secrets_, clock.now_ms)
    config = uvicorn.Config(
        app, host=settings.http.host, port=settings.http.port, log_level="warning", lifespan="off", access_log=False
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # the command line handles signals
    await server.serve()


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
