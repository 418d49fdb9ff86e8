"""The command line: build, up, down."""

import argparse
import sys
import time
from pathlib import Path

from gateway.cli.demo.controlplane.find import find
from gateway.cli.demo.controlplane.processes import say
from gateway.cli.demo.controlplane.running import NotRunningError, attach, launch, stop
from tools.controlplane.build import BuildError, build


def main() -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m tools.controlplane", description="A real Kubernetes control plane")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build what the cache lacks (about 10 minutes, once)")
    for name, text in (("up", "start; prints the kubeconfig's path"), ("down", "stop")):
        commands.add_parser(name, help=text).add_argument("--dir", type=Path, required=True, dest="root")
    asked = parser.parse_args()
    try:
        _run(asked)
    except (BuildError, NotRunningError) as failed:
        say(str(failed))
        return 1
    return 0


def _run(asked: argparse.Namespace) -> None:
    if asked.command == "down":
        if not stop(asked.root):
            say(f"nothing runs in {asked.root}")
        return
    if find() is None:
        build()
    if asked.command == "up":
        _up(asked.root)


def _up(root: Path) -> None:
    try:
        found = attach(root)
    except NotRunningError:
        started = time.monotonic()
        launch(root, attended=False)
        say(f"ready in {time.monotonic() - started:.1f} s")
        found = attach(root)
    print(found.kubeconfig)


if __name__ == "__main__":
    sys.exit(main())
