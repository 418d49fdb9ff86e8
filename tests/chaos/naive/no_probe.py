"""A gateway without the probe: an attempt that did not report is simply made again. It must fail the judge."""

from dataclasses import replace

from gateway.__main__ import main
from gateway.ports import Tx
from gateway.service import drive
from gateway.service.dispatch import ask_to_apply
from gateway.service.world import World


async def apply_again(world: World, action: str) -> None:
    """Forget the attempt, and offer the step once more."""

    def unit(tx: Tx) -> None:
        for step in tx.steps(action):
            if step.status == "intended":
                tx.put_step(replace(step, status="pending"))

    await world.store.write(unit)
    await ask_to_apply(world, action)


drive.attempt_lost = apply_again  # type: ignore[attr-defined]  # the name that it calls it by
main()
