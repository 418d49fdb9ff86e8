"""A test hook: die at a named point, as kill -9 would; inert unless COUNTERMAND_CRASH_AT is set.

    COUNTERMAND_CRASH_AT       name of the point: before_intent, intent_sent, applied_unreported, decided_unrecorded,
                               undo_sent, undone_unreported, lease_due, begin_attempt, between_objects,
                               between_restored
    COUNTERMAND_CRASH_PROCESS  which process dies there: gateway or executor
    COUNTERMAND_CRASH_MARKER   a file that is created just before; where it exists already nothing happens,
                               so that the restarted process lives

In the gateway the points are: `before_intent` an executor asks to begin an apply, nothing is written;
`begin_attempt` the intent is on disk, the executor was not told; `intent_sent` work to apply was handed to an executor;
`applied_unreported` a step is reported as applied, nothing is written; `decided_unrecorded` the policy decided on an
observation, or telemetry on a change, and nothing is written; `lease_due` a lease is over, nothing is written;
`undo_sent` work to undo was handed to an executor; `undone_unreported` a step is reported as undone, nothing written.

In the executor the points are: `before_intent` the grant of an apply passed, leave was not asked for;
`begin_attempt` the answer to BeginAttempt arrived, nobody looked at it; `intent_sent` leave was given, no step ran;
`applied_unreported` a step ran, its outcome was not sent; `undo_sent` leave to undo was given, nothing was undone;
`undone_unreported` a step was undone, its outcome was not sent; `between_objects` an object of a step over several is
written and the next one is not begun; `between_restored` one is taken back and the next one is not.
"""

import os
from pathlib import Path
from typing import Literal

EXIT_CODE = 137
"""What a shell shows for a process that SIGKILL ended."""


def point(name: str, process: Literal["gateway", "executor"]) -> None:
    """End this process at once, without any clean-up, if the environment names this point and it is the first time."""
    if os.environ.get("COUNTERMAND_CRASH_AT") != name or os.environ.get("COUNTERMAND_CRASH_PROCESS") != process:
        return
    marker = os.environ.get("COUNTERMAND_CRASH_MARKER")
    if marker is not None:
        try:
            Path(marker).touch(exist_ok=False)
        except FileExistsError:
            return
    os._exit(EXIT_CODE)
