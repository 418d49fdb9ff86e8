"""countermand keys list."""

from pathlib import Path

import click

from gateway.cli.emit import emit
from gateway.cli.failure import CommandError
from gateway.cli.keys.directory import JSON, STATE_DIR, row
from gateway.cli.text import table
from gateway.core.keys import parse_jwks
from gateway.parts import Layout


@click.command("list")
@STATE_DIR
@JSON
def list_keys(*, state_dir: Path, as_json: bool) -> None:
    """List the public keys, the retired and revoked ones too; `--json` prints the JWK set to keep elsewhere."""
    path = Layout(state_dir).keys / "jwks.json"
    try:
        keys = parse_jwks(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise CommandError("KEY_SET_UNREADABLE", f"{path}: {exc}") from exc
    emit({"keys": [k.to_jwk() for k in keys.values()]}, as_json=as_json, text=table(map(row, keys.values())))
