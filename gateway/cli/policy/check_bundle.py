"""countermand policy check: everything that a bundle must pass before a gateway takes it."""

import asyncio
from pathlib import Path

import click

from gateway.adapters.bundle import read_bundle
from gateway.adapters.policy_inprocess import InProcessEngine
from gateway.cli.emit import emit
from gateway.cli.policy.bundle_option import OVERLAY, PATH, chosen


@click.command("check")
@PATH
@OVERLAY
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_bundle(*, path: Path | None, overlay: Path | None, as_json: bool) -> None:
    """Lint the bundle at PATH (the shipped one by default), load it and fire its canary samples.

    Ends with 1 and the code of the refusal (POLICY_LINT, POLICY_CANARY_MISSING, …) when a gateway would refuse it.
    """
    bundle = read_bundle(chosen(path), overlay)
    asyncio.run(InProcessEngine().load(bundle))
    found = {
        "revision": bundle.revision,
        "modules": len(bundle.modules),
        "codes": len(bundle.codes),
        "samples": len(bundle.samples),
    }
    text = f"{bundle.revision}: {len(bundle.modules)} modules, {len(bundle.codes)} codes, all fired by samples"
    emit(found, as_json=as_json, text=text)
