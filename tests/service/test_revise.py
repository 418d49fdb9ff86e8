"""Revisions of the policy: a good one is swapped in and recorded, a broken one changes nothing and is said."""

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.core.bundle import Bundle
from gateway.core.events import read_leaf
from gateway.errors import PolicyFault, PolicyRefused, StoreFault
from gateway.service.revise import Reviser
from tests.fakes.mini_bundle import mini_bundle
from tests.fakes.world import ALICE, READ, Lab, lab
from tests.service.say import all_leaves, new

pytestmark = pytest.mark.anyio
OLD = "sha256:" + "a" * 64


@dataclass
class Folder:
    """A policy folder that a test edits."""

    bundle: Bundle = field(default_factory=mini_bundle)
    broken: Exception | None = None
    version: int = 0

    def read(self) -> Bundle:
        if self.broken:
            raise self.broken
        return self.bundle

    def edit(self, *, broken: Exception | None = None, note: str = "") -> None:
        self.version += 1
        self.broken = broken
        if note:
            self.bundle = mini_bundle(
                {"NOTES.md": note, "countermand/notes.rego": f"package countermand.n\n# {note}\n"}
            )

    def fingerprint(self) -> str:
        return str(self.version)


def _reviser(made: Lab, folder: Folder) -> Reviser:
    async def load(bundle: Bundle) -> None:
        made.policy.bundle = bundle
        made.policy.revision = bundle.revision

    made.policy.load = load  # type: ignore[method-assign]
    return Reviser(made.world, folder.read, folder.fingerprint)


async def _said(made: Lab) -> list[tuple[str, str]]:
    found = [read_leaf(leaf) for leaf in await all_leaves(made)]
    return [(leaf.body["change"], leaf.body["revision"]) for leaf in found if leaf.kind.value == "CM2003"]


async def test_a_changed_bundle_is_loaded_once_and_recorded() -> None:
    async with lab() as made:
        folder = Folder()
        reviser = _reviser(made, folder)
        assert await reviser.look() is True
        assert await reviser.look() is False
        assert await _said(made) == [("loaded", folder.bundle.revision)]
        revisions = await made.world.store.read(lambda tx: tx.revisions())
        assert revisions == {OLD: "superseded", folder.bundle.revision: "active"}


async def test_a_broken_bundle_changes_nothing_and_says_why_until_it_is_mended() -> None:
    async with lab() as made:
        folder = Folder()
        reviser = _reviser(made, folder)
        await reviser.look()
        good = made.policy.revision
        folder.edit(broken=PolicyRefused("POLICY_CANARY_MISSING", "no sample fires X"))
        assert await reviser.look() is False
        assert (made.policy.revision, reviser.error) == (good, "POLICY_CANARY_MISSING: no sample fires X")
        assert (await _said(made))[-1] == ("refused", "")
        size = len(await all_leaves(made))
        await reviser.look()
        assert len(await all_leaves(made)) == size  # said once
        folder.edit()
        await reviser.look()
        assert (made.policy.revision, reviser.error) == (good, "")
        assert (await made.settled(READ)).state == "SUCCEEDED"


async def test_an_engine_that_fails_while_loading_is_asked_again_though_nothing_changed() -> None:
    async with lab() as made:
        folder = Folder()
        reviser = _reviser(made, folder)
        load, made.policy.load = made.policy.load, _failing  # type: ignore[method-assign,assignment]
        assert await reviser.look() is False
        assert reviser.error.startswith("POLICY_TIMEOUT")
        assert made.policy.revision == OLD
        made.policy.load = load  # type: ignore[method-assign]
        assert await reviser.look() is True


async def _failing(_bundle: Bundle) -> None:
    raise PolicyFault("POLICY_TIMEOUT", "the worker does not answer")


async def test_a_withdrawn_revision_is_not_loaded_again() -> None:
    async with lab() as made:
        folder = Folder()
        reviser = _reviser(made, folder)
        await reviser.look()
        bad = folder.bundle.revision
        folder.edit(note="better")
        assert await reviser.look() is True
        await made.gateway.withdraw(ALICE, new(), bad, "wrong rule")
        folder.bundle = mini_bundle()
        folder.edit()
        assert await reviser.look() is False
        assert reviser.error.startswith("POLICY_WITHDRAWN")
        assert made.policy.revision != bad
        revisions = await made.world.store.read(lambda tx: tx.revisions())
        assert revisions[bad] == "withdrawn"


async def test_a_revision_in_force_whose_record_failed_is_recorded_at_the_next_look() -> None:
    async with lab() as made:
        folder = Folder()
        reviser = _reviser(made, folder)
        write = made.world.store.write

        async def full(_unit: object) -> object:
            raise StoreFault("STORE_FULL", "no space left on device")

        task = asyncio.create_task(reviser.watch())
        made.world.store.write = full  # type: ignore[method-assign,assignment]
        await made.clock.advance(2_500)
        assert not task.done()
        assert reviser.error.startswith("STORE_FULL")
        made.world.store.write = write  # type: ignore[method-assign]
        await made.clock.advance(1_500)
        assert await _said(made) == [("loaded", folder.bundle.revision)]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
