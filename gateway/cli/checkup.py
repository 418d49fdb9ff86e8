"""The checks of `countermand doctor`; each looks at one thing and changes nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import agent_client
from agent_client import Status, connect_approver
from agent_client.retry import Retry
from gateway.adapters.bundle import read_bundle
from gateway.adapters.clock import SystemClock
from gateway.adapters.keys_file import KeyDirectory, passphrase_from
from gateway.adapters.policy_inprocess import InProcessEngine
from gateway.adapters.store_sqlite import open_readers
from gateway.cli.views import absent_text
from gateway.config import Settings, load_settings
from gateway.core.merkle import Frontier
from gateway.errors import CountermandError
from gateway.executor.config_load import load as load_executor
from gateway.parts import Layout, bundle_path, load_catalog
from gateway.private_files import read_private

Outcome = Literal["ok", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    name: str
    outcome: Outcome
    detail: str
    code: str = ""


class Skip(Exception):  # noqa: N818  # not an error: there is nothing to look at
    """There is nothing to look at yet."""


def examine(config: Path) -> list[Finding]:
    """Run every check; the ones that need the settings are left out when those cannot be read."""
    read: list[Settings] = []

    def settings() -> str:
        read.append(load_settings(config))
        return f"{len(read[0].scopes)} scopes, {len(read[0].principals)} principals"

    findings = [_run("settings", settings)]
    if not read:
        return findings
    checks = (
        ("tables", _tables), ("policy", _policy), ("executor settings", _executor), ("secrets", _secrets),
        ("keys", _keys), ("store", _store), ("doors", _doors), ("executors", _executors),
    )  # fmt: skip
    return findings + [_run(name, lambda check=check: check(read[0])) for name, check in checks]  # type: ignore[misc]


def _run(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", check())
    except Skip as exc:
        return Finding(name, "skipped", str(exc))
    except CountermandError as exc:
        return Finding(name, "failed", exc.message, exc.code)
    except agent_client.CountermandError as exc:
        return Finding(name, "failed", exc.message, exc.reason)


def _tables(settings: Settings) -> str:
    catalog = load_catalog(settings)
    return f"{len(catalog.aws.services)} AWS services, kubectl {catalog.kubectl.version}"


def _policy(settings: Settings) -> str:
    bundle = read_bundle(bundle_path(settings.policy), settings.policy.overlay)
    asyncio.run(InProcessEngine().load(bundle))
    return f"{bundle.revision}: {len(bundle.codes)} codes, all fired by samples"


def _executor(settings: Settings) -> str:
    if settings.executor_config is None:
        raise Skip("no executor is started by this gateway")
    load_executor(settings.executor_config)
    return str(settings.executor_config)


def _secrets(settings: Settings) -> str:
    layout = _layout(settings)
    for name in ("seal.key", "redact.key"):
        read_private(layout.secrets / name)
    return "seal.key and redact.key can be read, and by nobody else"


def _keys(settings: Settings) -> str:
    layout, now_ms = _layout(settings), SystemClock().now_ms()
    keys = KeyDirectory(layout.keys, passphrase_from(layout.secrets / "passphrase"))
    return f"signs with {keys.signer(now_ms).kid}, {len(keys.keys())} known"


def _store(settings: Settings) -> str:
    readers = open_readers(_layout(settings).database)
    try:
        head = asyncio.run(readers.read(lambda tx: tx.log_head()))
    finally:
        readers.close()
    return f"{head.size} leaves" if head.size else f"empty, root {Frontier().root().hex()}"


def _doors(settings: Settings) -> str:
    status = _status(settings)
    switches = f", switches: {', '.join(status.switches)}" if status.switches else ""
    if status.policy_error:
        raise CountermandError("POLICY_STALE", f"the newest bundle is refused: {status.policy_error}")
    return f"the gateway answers, policy {status.revision}{switches}"


def _executors(settings: Settings) -> str:
    status = _status(settings)
    if status.absent:
        raise CountermandError(
            "EXECUTOR_ABSENT",
            f"no executor is attached: {'; '.join(map(absent_text, status.absent))}; what is granted there waits, "
            "undos too; start `countermand executor` there",
        )
    return ", ".join(status.audiences)


def _status(settings: Settings) -> Status:
    socket = _layout(settings).socket("approver")
    if not socket.exists():
        raise Skip(f"no gateway listens at {socket}")
    with connect_approver(f"unix:{socket.absolute()}", timeout_s=5.0, retry=Retry(attempts=1)) as gateway:
        return gateway.status()


def _layout(settings: Settings) -> Layout:
    if not settings.state_dir.is_dir():
        raise Skip(f"{settings.state_dir} is made by the first `countermand serve`")
    return Layout(settings.state_dir)
