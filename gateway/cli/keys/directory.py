"""The key directory that a command works on."""

from pathlib import Path

import click

from gateway.adapters.keys_file import KeyDirectory, local_passphrase, passphrase_from
from gateway.cli.views import time_text
from gateway.core.keys import VerifyKey
from gateway.parts import Layout
from gateway.private_files import private_directory

STATE_DIR = click.option(
    "--state-dir", type=click.Path(file_okay=False, path_type=Path), required=True, envvar="COUNTERMAND_STATE_DIR",
    help="State directory of the gateway.",
)  # fmt: skip
PASSPHRASE = click.option(
    "--passphrase-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File (0600) with the passphrase of the keys; the generated one of the state directory otherwise.",
)  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def key_directory(state_dir: Path, passphrase_file: Path | None) -> KeyDirectory:
    """Open the keys of a gateway; raises ConfigFault or SignerFault."""
    layout = Layout(state_dir)
    private_directory(layout.root)
    if passphrase_file is not None:
        return KeyDirectory(layout.keys, passphrase_from(passphrase_file))
    private_directory(layout.secrets)
    return KeyDirectory(layout.keys, local_passphrase(layout.secrets / "passphrase"))


def row(key: VerifyKey) -> tuple[str, ...]:
    """Return a key as a row of a table."""
    end = f"until {time_text(key.expires_ms)}" if key.expires_ms is not None else "no end"
    return key.kid, key.alg.value, f"from {time_text(key.not_before_ms)}", end if key.revoked_ms is None else "REVOKED"
