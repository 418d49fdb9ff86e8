"""The policy of the demo: the shipped bundle with two of its data files edited, as a security engineer would.

Verification looks for seconds instead of a minute, because nobody wants to watch a demo for an hour; and a change
freeze that happens to be open today is suspended for the length of the demo.
"""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from gateway.cli.demo.process import DemoFault

WINDOW_S, INTERVAL_S = 4, 1
_LENGTH = timedelta(minutes=10)


def copy(target: Path, now: datetime) -> None:
    """Write the demo's bundle to a new folder."""
    shutil.copytree(shipped(), target)
    verify = target / "countermand" / "config" / "verify" / "data.yaml"
    document = yaml.safe_load(verify.read_text(encoding="utf-8"))
    for profile in document["profiles"].values():
        profile |= {"window_s": WINDOW_S, "interval_s": INTERVAL_S}
    _write(verify, document)
    freeze = target / "countermand" / "config" / "freeze" / "data.yaml"
    document = yaml.safe_load(freeze.read_text(encoding="utf-8"))
    windows = without(document["windows"], now, now + _LENGTH)
    if windows != document["windows"]:
        _write(freeze, document | {"windows": windows})


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


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
