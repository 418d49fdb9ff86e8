"""The policy of the demo: the shipped bundle, with one or two of its data files replaced, as a security engineer would.

Verification looks for seconds instead of a minute, because nobody wants to watch a demo for an hour; and a change
freeze that happens to be open today is suspended for the length of the demo.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway import strict_yaml
from gateway.cli.demo.process import DemoFault

INTERVAL_S = 1
_LENGTH = timedelta(minutes=10)
Verify = dict[str, Any]
"""The file config/verify/data.yaml."""


def write(
    folder: Path, now: datetime, window_s: int, adapt: Callable[[Verify], Verify] = lambda verify: verify
) -> None:
    """Write the overlay to a new folder: `<topic>/data.yaml`; every profile of verification watches for `window_s`."""
    config = shipped() / "countermand" / "config"
    verify = strict_yaml.load((config / "verify" / "data.yaml").read_text(encoding="utf-8"))
    quick = {"window_s": window_s, "interval_s": INTERVAL_S}
    verify["profiles"] = {name: profile | quick for name, profile in verify["profiles"].items()}
    _write(folder / "verify", adapt(verify))
    freeze = strict_yaml.load((config / "freeze" / "data.yaml").read_text(encoding="utf-8"))
    windows = without(freeze["windows"], now, now + _LENGTH)
    if windows != freeze["windows"]:
        _write(folder / "freeze", freeze | {"windows": windows})


def shipped() -> Path:
    """Return the folder of the shipped bundle: beside this package in a wheel, at the top of a clone."""
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "bundle", package.parent / "policies"):
        if (folder / ".manifest").is_file():
            return folder
    raise DemoFault("the policy bundle is not installed")


def without(windows: Sequence[Mapping[str, Any]], start: datetime, end: datetime) -> list[Mapping[str, Any]]:
    """Return freeze windows that are the same but leave [start, end) free."""
    kept: list[Mapping[str, Any]] = []
    for window in windows:
        begins, ends = datetime.fromisoformat(window["from"]), datetime.fromisoformat(window["until"])
        if ends <= start or begins >= end:
            kept.append(window)
            continue
        if begins < start:
            kept.append({**window, "until": _text(start)})
        if ends > end:
            kept.append({**window, "from": _text(end)})
    return kept


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(folder: Path, document: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True)
    (folder / "data.yaml").write_text(json.dumps(document, indent=2), encoding="utf-8")  # which is YAML without aliases
