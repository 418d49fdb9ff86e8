"""Run an executor as a process of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from gateway import strict_yaml
from gateway.core.canonical import Json
from tests.executor.grants import AUDIENCE

_CHILD = Path(__file__).with_name("child.py")
_ROOT = Path(__file__).resolve().parents[2]


def write_config(folder: Path, address: str, jwks: bytes, scopes: Mapping[str, Json]) -> Path:
    """Write the settings of an executor and the keys that it trusts."""
    (folder / "keys.json").write_bytes(jwks)
    document = {"audience": AUDIENCE, "gateway": {"address": address}, "keys": {"jwks": "keys.json"}}
    path = folder / "executor.yaml"
    path.write_text(strict_yaml.dump(document | {"scopes": dict(scopes)}))
    return path


@asynccontextmanager
async def executor_process(config: Path, **env: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start an executor; it is killed in the end, and what it wrote is shown when it fails a test."""
    paths = os.pathsep.join((str(_ROOT), str(_ROOT / "proto")))
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_CHILD), str(config), env={**os.environ, "PYTHONPATH": paths, **env}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
