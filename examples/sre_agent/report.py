"""What the agent tells its reader: one event a line, as JSON for a program or as words for a person."""

import json
import time
from typing import Any


class Report:
    """Prints events as they happen."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def say(self, event: str, **details: Any) -> None:
        """Print one event."""
        if self._as_json:
            print(json.dumps({"event": event, "at_ms": int(time.time() * 1_000), **details}), flush=True)
            return
        words = ", ".join(f"{name}: {value}" for name, value in details.items() if value not in {"", None})
        print(f"{event:12} {words}", flush=True)
