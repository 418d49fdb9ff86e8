"""The signing keys of a running gateway: a directory that is read again when it changes."""

import asyncio
from collections.abc import Mapping

from gateway.adapters.keys_file import FileSigner, KeyDirectory
from gateway.core.keys import VerifyKey
from gateway.errors import SignerFault
from gateway.ports import Clock


class LiveKeys:
    """Implements `gateway.ports.Signer` with the newest key that may sign; called, it returns all public keys.

    `sign` never waits: `kid` is the key of the signature that was just made.
    """

    def __init__(self, directory: KeyDirectory, clock: Clock) -> None:
        """Unwrap the active key; raises SignerFault when there is none, or it does not open."""
        self._directory = directory
        self._clock = clock
        self._stamp = directory.stamp()
        self._keys = directory.keys()
        self._signer = directory.signer(clock.now_ms())

    def __call__(self) -> Mapping[str, VerifyKey]:
        """Return kid → public key, with the retired and revoked ones."""
        return self._keys

    @property
    def kid(self) -> str:
        """Return the kid of the key that signs now."""
        return self._signer.kid

    async def sign(self, data: bytes) -> bytes:
        """Return the signature; raises SignerFault for a key that was revoked or has expired, and has no successor."""
        refusal = self._keys[self.kid].refusal_at(self._clock.now_ms())
        if refusal is not None:
            raise SignerFault(f"KEY_{refusal}", f"the key {self.kid} may not sign any more; run: countermand keys new")
        return await self._signer.sign(data)

    async def refresh(self) -> bool:
        """Read the directory again if it changed; tells whether keys or the signer are others now.

        Raises SignerFault when it cannot be read: the keys stay as they were; or when its newest key does not open: the
        signer stays, and what was revoked is revoked.
        """
        stamp = self._directory.stamp()
        keys = self._keys if stamp == self._stamp else self._directory.keys()
        if not keys:
            raise SignerFault("KEY_MISSING", "the key set is gone; restore it")
        self._keys = keys
        signer = await self._newest(keys)
        changed = stamp != self._stamp or signer is not self._signer
        self._signer, self._stamp = signer, stamp
        return changed

    async def _newest(self, keys: Mapping[str, VerifyKey]) -> FileSigner:
        """Return the signer of the newest key that may sign; the one we have, where no other may."""
        now = self._clock.now_ms()
        usable = [key for key in keys.values() if key.refusal_at(now) is None]
        if not usable or max(usable, key=lambda key: (key.not_before_ms, key.kid)).kid == self.kid:
            return self._signer
        return await asyncio.to_thread(self._directory.signer, now)
