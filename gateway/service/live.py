"""Live output, redacted as a whole: a secret must not slip through between two pieces."""

from collections import OrderedDict
from dataclasses import dataclass, field

from gateway.core.redact import Redactor

_MAX_BYTES = 262_144
"""Beyond this a step's output is no longer shown live; its recorded outcome has it."""
_MAX_STEPS = 256


@dataclass(slots=True)
class _Shown:
    """What came from a step, and what of it was shown, redacted."""

    raw: bytearray = field(default_factory=bytearray)
    shown: str = ""
    over: bool = False


class Live:
    """Show whole lines of what came so far, once; remembers the steps that spoke last."""

    def __init__(self) -> None:
        self._steps: OrderedDict[tuple[str, int], _Shown] = OrderedDict()

    def add(self, work_id: str, step: int, data: bytes, redactor: Redactor) -> bytes:
        """Take a piece of output and return what may be shown of it now; empty when nothing may yet."""
        key = (work_id, step)
        known = self._steps.setdefault(key, _Shown())
        self._steps.move_to_end(key)
        if len(self._steps) > _MAX_STEPS:
            self._steps.popitem(last=False)
        known.raw += data
        if known.over or len(known.raw) > _MAX_BYTES:
            known.over, known.raw = True, bytearray()
            return b""
        lines = known.raw[: known.raw.rfind(b"\n") + 1].decode(errors="replace")
        text = redactor.text(lines)
        if not text.startswith(known.shown):
            known.over = True  # what came now makes a secret of what was shown: show no more
            return b""
        new, known.shown = text[len(known.shown) :], text
        return new.encode()
