"""How a command ends badly: one line of error, one of remedy, an exit code; never a traceback for what is expected."""

import os
import sys
from collections.abc import Mapping

import click

from gateway.errors import CountermandError

DONE, REFUSED, USAGE = 0, 1, 2
_INTERRUPTED = 130

_EVIDENCE = "run `countermand audit verify`, keep the state directory as evidence and restore a copy that verifies"
# What an operator can do, by the beginning of the code; the longest one that fits is taken.
_REMEDIES: Mapping[str, str] = {
    "ACTION_": "see `countermand show` for the actions that there are",
    "ADDRESS_": "give the listener an address and a port of this machine that are free",
    "AUDIT_": "keep this state directory as evidence and restore a copy that verifies",
    "CHECKPOINT_": _EVIDENCE,
    "CLOCK_": "set the clock right and start again; if another clock ran ahead when the log was written, wait it out",
    "CONFIG_": "correct the settings file and try again",
    "EXECUTOR_": "correct the executor's settings file or its key set and try again",
    "FILE_NOT_": "make the file private again, and find out who could read or change it meanwhile",
    "FILE_UNUSABLE": "see to the owner, the mode and the free space of that path",
    "KEY": "restore the key files of the state directory, or see `countermand keys --help`",
    "LOG_": _EVIDENCE,
    "PASSPHRASE_": "restore `secrets/passphrase` of the state directory, or name the file that holds it whole",
    "PLUGIN_": "install the package that offers it, or correct `type` in the settings file",
    "POLICY_": "correct the bundle and run `countermand policy check` on it",
    "RECEIPT_": "wait until the action is final, then try again",
    "SEAL": "restore `secrets/seal.key` of the state directory; without it what was begun cannot be taken back",
    "SECRET_": "restore the files in `secrets/` of the state directory",
    "SOCKET_": "stop whoever listens there, or give the state directory a shorter path",
    "STATE_": "see `countermand show ACTION` for where the action stands",
    "STORE_LOCKED": "stop the gateway that has it open, or give this one a state directory of its own",
    "STORE_LOG_": _EVIDENCE,
    "STORE_SCHEMA_": "use the version of the program that wrote it, or start the newer gateway once",
    "STORE_": "check that the state directory is readable and its disk is not full",
    "TABLE_": "name an AWS service that is shipped, or reinstall the package",
    "TLS_": "give the listener a certificate and a key, or let it listen on 127.0.0.1",
    "TOKEN_SHORT": "remove the file to have a token made, and give it to whoever calls with it",
    "WAIT_": "it goes on; see `countermand show ACTION`, and `countermand status` for whether an executor is attached",
    "WEBHOOK_": "correct the webhook's settings and its secret file",
    "UNAVAILABLE": "start the gateway with `countermand serve`, or name its door with --address",
}

_ELSEWHERE = "see docs/codes.md for what the code means"


class CommandError(CountermandError):
    """What was asked was refused or did not hold; the command says so and ends with 1."""


def report(exc: BaseException) -> int:
    """Say on stderr what went wrong and return the exit code; raises what nobody expects."""
    match exc:
        case click.exceptions.Exit():
            return exc.exit_code
        case click.ClickException():
            exc.show()
            return exc.exit_code
        case click.Abort() | KeyboardInterrupt():
            return _INTERRUPTED
        case BrokenPipeError():
            # The reader has left; without this the interpreter would complain when it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return REFUSED
        case CountermandError():
            return _say(exc.code, exc.message, str(exc.args_.get("remedy", "")))
        case _ if _is_client_error(exc):
            return _say(exc.reason, exc.message, exc.remedy)  # type: ignore[attr-defined]  # see _is_client_error
        case _:
            raise exc


def _is_client_error(exc: BaseException) -> bool:
    """Tell an error of the client without importing the client, which would cost every start its gRPC."""
    client = sys.modules.get("agent_client.errors")
    return client is not None and isinstance(exc, client.CountermandError)


def _say(code: str, message: str, remedy: str) -> int:
    text = message.removeprefix(f"{code}: ")
    click.echo(f"error: {code}: {text}" if text != code else f"error: {code}", err=True)
    known = max((begin for begin in _REMEDIES if code.startswith(begin)), key=len, default="")
    click.echo(f"remedy: {remedy or _REMEDIES.get(known, _ELSEWHERE)}", err=True)
    return REFUSED
