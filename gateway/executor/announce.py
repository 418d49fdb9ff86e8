"""Tell the gateway what a scope serves: at every attach, and again after a while, because clusters change."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gateway.errors import TargetFault

_LOG = logging.getLogger(__name__)
_AGAIN_S = 2.0
"""How long a cluster or gateway that did not answer is left alone."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What there is to tell about one scope."""

    document: Callable[[], Awaitable[bytes]]
    """Raises TargetFault."""
    every_s: float


@runtime_checkable
class Discovered(Protocol):
    """A target that tells what it serves."""

    async def discovery(self) -> bytes:
        """Return the document; raises TargetFault."""
        ...


class Listener(Protocol):
    """The gateway, as it is told."""

    async def announce(self, scope: str, document: bytes) -> str | None:
        """Return an empty string when it was taken, why it was refused, or None when there was no answer."""
        ...


class Announcer:
    """One task a scope; `again` is called at every attach."""

    def __init__(self, listener: Listener, catalogues: Mapping[str, Catalogue]) -> None:
        self._listener = listener
        self._catalogues = catalogues
        self._wake = {scope: asyncio.Event() for scope in catalogues}

    def again(self) -> None:
        """Tell everything anew: the gateway may be another process."""
        for wake in self._wake.values():
            wake.set()

    async def serve(self) -> None:
        """Tell for ever."""
        async with asyncio.TaskGroup() as group:
            for scope in self._catalogues:
                group.create_task(self._follow(scope), name=f"announce {scope}")

    async def _follow(self, scope: str) -> None:
        catalogue, wake = self._catalogues[scope], self._wake[scope]
        while True:
            wake.clear()
            told = await self._tell(scope, catalogue)
            try:
                async with asyncio.timeout(catalogue.every_s if told else _AGAIN_S):
                    await wake.wait()
            except TimeoutError:
                continue

    async def _tell(self, scope: str, catalogue: Catalogue) -> bool:
        """Tell once; false when it is to be tried again soon."""
        try:
            document = await catalogue.document()
        except TargetFault as exc:
            _LOG.warning("scope %s does not tell what it serves: %s %s", scope, exc.code, exc.message)
            return False
        reason = await self._listener.announce(scope, document)
        if reason:
            _LOG.error("the gateway does not take what scope %s serves: %s", scope, reason)
        return reason is not None
