"""Fail any test in which a `gateway.core` frame does IO; reading the clock or randomness is banned by lint."""

import sys
from typing import TYPE_CHECKING

from hypothesis import settings

if TYPE_CHECKING:
    from types import FrameType

# A shared machine is slow at times; what is too slow for good is found by the timeout of each test.
settings.register_profile("countermand", deadline=None)
settings.load_profile("countermand")

_IO = ("open", "socket.", "subprocess.", "os.", "shutil.", "sqlite3.", "urllib.")


def _guard(event: str, args: tuple[object, ...]) -> None:
    if not event.startswith(_IO):
        return
    frame: FrameType | None = sys._getframe(1)  # the hook needs the frames of whoever did IO
    in_core = False
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(("importlib.", "_frozen_importlib")):
            return  # importing is allowed; running IO is not
        in_core = in_core or module.startswith("gateway.core")
        frame = frame.f_back
    if in_core:
        raise AssertionError(f"gateway.core did IO: {event} {args!r}")


sys.addaudithook(_guard)
