"""Sign checkpoints of the log, prove leaves, follow them."""

import logging
from collections.abc import AsyncGenerator, Sequence

from gateway.core.checkpoint import Checkpoint, open_checkpoint, signed_note
from gateway.core.kinds import LeafKind
from gateway.core.merkle import (
    Frontier,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from gateway.core.statement import Refused
from gateway.errors import Edited, GatewayFault, NotFound, SignerFault
from gateway.ports import Tx
from gateway.service.edited import checked_page, leaf_edited
from gateway.service.views import ProofView
from gateway.service.world import World

_LOG = logging.getLogger(__name__)
_PAGE = 256
_HASHES = 65_536
_TICK_MS = 200


class CheckpointSigner:
    """Sign the log as it grows, and only if it extends what was signed before."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._signed = Frontier()

    async def resume(self) -> None:
        """Take up from the newest checkpoint; raises SignerFault when the leaves below it no longer give its root.

        A checkpoint that no trusted key signed is not believed either, but for one of a key that was revoked since: the
        next one is signed by its successor.
        """
        world = self._world
        last = await world.store.read(lambda tx: tx.checkpoint())
        if last is None:
            return
        known = open_checkpoint(last[1], origin=world.settings.origin, keys=world.keys())
        if isinstance(known, Refused) and known.code != "CHECKPOINT_KEY_REVOKED":
            raise SignerFault("LOG_REWRITTEN", f"the newest checkpoint is not ours: {known.code}: {known.detail}")
        told = Checkpoint.parse(last[1])
        self._signed = await self._extend(told.size)
        if self._signed.root() != told.root:
            raise SignerFault("LOG_REWRITTEN", f"the log no longer extends its checkpoint of {told.size} leaves")
        world.bus.signed = None if isinstance(known, Refused) else known

    async def run(self) -> None:
        """Sign at least every `checkpoint_ms`, and as soon as `checkpoint_leaves` wait."""
        clock, timing = self._world.clock, self._world.settings.timing
        ticks = max(1, timing.checkpoint_ms // _TICK_MS)
        tick = 0
        while True:
            await clock.sleep_until(clock.now_ms() + min(_TICK_MS, timing.checkpoint_ms))
            tick = (tick + 1) % ticks
            try:
                head = await self._world.store.read(lambda tx: tx.log_head())
                if tick == 0 or head.size - self._signed.size >= timing.checkpoint_leaves:
                    await self.sign()
            except GatewayFault as exc:
                if exc.code == "LOG_REWRITTEN":
                    raise
                _LOG.error("the log is not signed for now: %s", exc)

    async def sign(self) -> bool:
        """Sign a checkpoint if the log has grown; tells whether it did; raises SignerFault for a rewritten history."""
        world = self._world
        head = await world.store.read(lambda tx: tx.log_head())
        if head.size <= self._signed.size:
            return False
        grown = await self._extend(head.size)
        if grown.root() != head.root:
            raise SignerFault(
                "LOG_REWRITTEN", f"the log no longer extends its checkpoint of {self._signed.size} leaves"
            )
        checkpoint = Checkpoint(world.settings.origin, head.size, head.root)
        signature = await world.signer.sign(checkpoint.body())
        note = signed_note(checkpoint, world.keys()[world.signer.kid], signature)
        await world.store.write(lambda tx: tx.put_checkpoint(head.size, head.root, note))
        self._signed = grown
        world.bus.signed = checkpoint
        await world.bus.logged()
        return True

    async def _extend(self, size: int) -> Frontier:
        """Append the leaf hashes that lie between what was signed and `size`."""
        frontier = self._signed
        while frontier.size < size:
            first, last = frontier.size, min(size, frontier.size + _HASHES)
            hashes = await self._world.store.scan(lambda tx: tx.leaf_hashes(first, last))  # noqa: B023  # awaited at once
            for digest in hashes:
                frontier = frontier.append(digest)
            if len(hashes) != last - first:
                raise SignerFault("LOG_REWRITTEN", "leaves are missing from the log")
        return frontier


async def checkpoint(world: World, min_size: int) -> str:
    """Return the newest checkpoint, once it covers `min_size` leaves; the caller's deadline bounds the wait."""
    async with world.bus.log:
        while True:
            found = await world.store.read(lambda tx: tx.checkpoint(min_size))
            if found is not None:
                return found[1]
            if min_size == 0:
                raise NotFound("CHECKPOINT_NONE", "the log is empty")
            await world.bus.log.wait()


async def prove(world: World, *, index: int | None, action: str, first_size: int, size: int) -> ProofView:
    """Prove a leaf, the receipt of an action, or consistency from `first_size`, against the newest checkpoint."""

    def unit(tx: Tx) -> ProofView:
        found = tx.checkpoint(size)
        if found is None:
            raise NotFound("CHECKPOINT_NONE", "no checkpoint covers this size yet")
        covered, note = found
        root = _root(world, note)
        if index is None and not action:
            if not 0 < first_size <= covered:
                raise NotFound("CHECKPOINT_NONE", f"the checkpoint of {covered} leaves does not extend {first_size}")
            hashes, [first] = _roots(tx, consistency_ranges(first_size, covered)), _roots(tx, [(0, first_size)])
            if not verify_consistency(first_size, covered, first, root, hashes):
                raise Edited("LOG_EDITED", f"the log does not extend its first {first_size} leaves")
            return ProofView(-1, b"", tuple(hashes), note)
        wanted = _receipt_leaf(tx, action) if index is None else index
        if not 0 <= wanted < covered:
            raise NotFound("LEAF_UNKNOWN", f"leaf {wanted} is not covered by a checkpoint of {covered} leaves")
        leaf = next((data for _, data in tx.leaves(wanted, 1)), b"")
        hashes = _roots(tx, inclusion_ranges(wanted, covered))
        if not verify_inclusion(wanted, covered, leaf_hash(leaf), root, hashes):
            leaf_edited(wanted)
        return ProofView(wanted, leaf, tuple(hashes), note)

    return await world.store.scan(unit)


def _root(world: World, note: str) -> bytes:
    """Return the root that a stored checkpoint is of; raises Edited when it is not ours."""
    try:
        told = Checkpoint.parse(note)
    except ValueError as exc:
        raise Edited("LOG_EDITED", f"the newest checkpoint is none: {exc}") from exc
    signed = world.bus.signed
    if signed is not None and (told.size, told.root) == (signed.size, signed.root):
        return told.root
    known = open_checkpoint(note, origin=world.settings.origin, keys=world.keys())
    if isinstance(known, Refused) and known.code != "CHECKPOINT_KEY_REVOKED":
        raise Edited("LOG_EDITED", f"the newest checkpoint is not ours: {known.code}: {known.detail}")
    return told.root


def _roots(tx: Tx, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    try:
        return tx.range_roots(ranges)
    except ValueError as exc:
        raise Edited("LOG_EDITED", f"the log is not whole: {exc}") from exc


def _receipt_leaf(tx: Tx, action: str) -> int:
    found = tx.leaf_of(action, LeafKind.RECEIPT.value)
    if found is None:
        raise NotFound("RECEIPT_NONE", "the action has no receipt yet")
    return found


async def tail(world: World, first: int, *, follow: bool) -> AsyncGenerator[tuple[int, bytes], None]:
    """Yield leaves from `first` on; with `follow`, for ever. Raises Edited at one that is not as it was recorded."""
    following = first
    while True:
        page, edited = await world.store.scan(lambda tx: checked_page(tx, following, _PAGE))  # noqa: B023  # awaited
        for index, leaf in page:
            if edited and index >= edited[0]:
                leaf_edited(edited[0])
            yield index, leaf
            following = index + 1
        if page:
            continue
        if not follow:
            return
        async with world.bus.log:
            await world.bus.log.wait()
