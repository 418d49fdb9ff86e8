"""The supervisor, a process of its own: `python -m gateway.cli.demo.controlplane FOLDER [--attended]`."""

import argparse
import select
import sys
from pathlib import Path

from gateway.cli.demo.controlplane.find import find
from gateway.cli.demo.controlplane.processes import say
from gateway.cli.demo.controlplane.supervise import supervise


def main() -> int:
    """Keep a control plane until a signal, or until stdin is closed when attended."""
    parser = argparse.ArgumentParser(prog="python -m gateway.cli.demo.controlplane")
    parser.add_argument("root", type=Path)
    parser.add_argument("--attended", action="store_true")
    asked = parser.parse_args()
    programs = find()
    if programs is None:
        say("the control plane is not built: make cluster")
        return 1
    return supervise(programs, asked.root, _stdin_closed if asked.attended else lambda: False)


def _stdin_closed() -> bool:
    """Tell whether whoever holds the other end of our stdin is gone."""
    ready, _, _ = select.select([sys.stdin], [], [], 0)
    return bool(ready) and not sys.stdin.buffer.read(1)


if __name__ == "__main__":
    sys.exit(main())
