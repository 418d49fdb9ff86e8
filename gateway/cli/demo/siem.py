"""What arrived at the SIEM: the exported log, read as any consumer of it would."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.core.kinds import LeafKind as K

_POLL_S = 0.1


def telemetry(export: Path, action: str, patience_s: float) -> str:
    """Return what verification saw of an action: each check before and at last, and where it stood.

    The exporter follows the log; a verdict that is not there yet is waited for.
    """
    end = time.monotonic() + patience_s
    while True:
        told = _told([leaf for leaf in _leaves(export) if leaf["action"] == action])
        if told or time.monotonic() > end:
            return told
        time.sleep(_POLL_S)


def first_read_s(export: Path) -> float | None:
    """Return the seconds from the alert to the first diagnostic read that succeeded, or None before there is one."""
    alert_ms: int | None = None
    for leaf in _leaves(export):
        if leaf["kind"] == K.INCIDENT_OPENED:
            alert_ms = int(leaf["body"]["alert_ms"])
        elif leaf["state_after"] == "SUCCEEDED" and alert_ms is not None:
            return (int(leaf["at_ms"]) - alert_ms) / 1_000
    return None


def _told(leaves: Sequence[Mapping[str, Any]]) -> str:
    """Return the verdict on the change itself; what is asked again after an undo has no baseline."""
    samples: dict[str, Any] = {}
    for leaf in leaves:
        body = leaf["body"]
        if leaf["kind"] == K.SAMPLE:
            samples |= {s["check"]: s["value"] for s in body["samples"]}
        elif leaf["kind"] == K.VERDICT and "baseline" in body:
            return ", ".join(
                f"{name.partition('/')[2]} {body['baseline'].get(name)} → {samples.get(name)} ({standing})"
                for name, standing in body["checks"].items()
            )
    return ""


def _leaves(export: Path) -> Iterator[Mapping[str, Any]]:
    if not export.exists():
        return
    for line in export.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):  # the last line may still be being written
            yield json.loads(line)["leaf"]
