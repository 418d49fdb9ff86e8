"""The entry point `countermand`, and `python -m gateway`."""

import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        from gateway.cli.main import main as run
    except ModuleNotFoundError as exc:
        if exc.name != "click":
            raise
        sys.stderr.write("error: SERVER_NOT_INSTALLED: the command line needs the extra `server`\n")
        sys.stderr.write("remedy: install countermand-gateway[server]\n")
        sys.exit(1)
    sys.exit(run())


if __name__ == "__main__":
    main()
