"""countermand version."""

import platform
from importlib.metadata import version as installed

import click

from gateway.cli.emit import emit


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def version(*, as_json: bool) -> None:
    """Print the version of the package and of Python."""
    found = {"countermand": installed("countermand-gateway"), "python": platform.python_version()}
    emit(found, as_json=as_json, text=f"countermand {found['countermand']} (Python {found['python']})")
