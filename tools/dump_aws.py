# ruff: noqa: SLF001 - awscli has no public way to its tables
"""Dump awscli's argument tables and botocore's shapes into gateway/parsing/tables/aws.

awscli vendors botocore and hijacks its name, so this runs in an environment of its own, never in ours:

    uv run --isolated --no-project --with awscli==1.46.3 tools/dump_aws.py gateway/parsing/tables/aws
    .venv/bin/python tools/dump_iam.py gateway/parsing/tables/aws        # adds the IAM actions, then the pins

One service is one `<service>.json.gz` with deterministic bytes. Keys are short because they repeat 19,000 times;
`gateway/parsing/tables_aws.py` says what each one means.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awscli  # type: ignore[import-not-found]
from awscli.clidriver import ServiceCommand, ServiceOperation, create_clidriver  # type: ignore[import-not-found]
from awscli.customizations.argrename import HIDDEN_ALIASES  # type: ignore[import-not-found]
from botocore.exceptions import DataNotFoundError

SCALARS = {
    "string": "S", "character": "S", "integer": "I", "long": "L", "float": "F", "double": "F",
    "boolean": "B", "timestamp": "Z", "blob": "X",
}  # fmt: skip
PLAIN_ARGUMENTS = frozenset({"CLIArgument", "ListArgument", "BooleanArgument"})
TOP_LEVEL_BOOLEANS = {"PositiveBooleanArgument": "?", "NegativeBooleanParameter": "!"}
SECRET_NAMES = ("password", "secret", "privatekey", "credential", "accesskey", "sessiontoken", "authtoken", "presigned")
MAX_DEPTH = 24


class Shapes:
    """The input shapes of one service, each named once."""

    def __init__(self) -> None:
        self.table: dict[str, Any] = {}

    def reference(self, shape: Any) -> str:
        """Return a one-letter code for a bare scalar, else the name of a row of the table."""
        if getattr(shape, "is_document_type", False):
            return "J"
        code = SCALARS.get(shape.type_name)
        if code == "X" and shape.serialization.get("streaming"):
            return "XS"
        if code is not None:
            return self._scalar(code, shape)
        if shape.name not in self.table:
            self.table[shape.name] = None
            self.table[shape.name] = self._row(shape)
        return str(shape.name)

    def _scalar(self, code: str, shape: Any) -> str:
        if shape.serialization.get("jsonvalue"):
            return "J"
        limits = {k: shape.metadata[m] for k, m in (("n", "min"), ("x", "max")) if m in shape.metadata}
        if shape.metadata.get("sensitive"):
            limits["s"] = 1
        if code in {"B", "Z"} or (code == "S" and limits in ({}, {"n": 0}, {"n": 1})):
            limits = {k: v for k, v in limits.items() if k == "s"}
        if not limits:
            return code
        name = code + "".join(f"{k}{v}" for k, v in sorted(limits.items()))
        self.table[name] = {"t": code} | limits
        return name

    def _row(self, shape: Any) -> dict[str, Any]:
        limits = {k: shape.metadata[m] for k, m in (("n", "min"), ("x", "max")) if m in shape.metadata}
        if shape.type_name == "list":
            return {"t": "l", "e": self.reference(shape.member)} | limits
        if shape.type_name == "map":
            return {"t": "m", "k": self.reference(shape.key), "v": self.reference(shape.value)} | limits
        row: dict[str, Any] = {"t": "s", "m": {k: self.reference(v) for k, v in shape.members.items()}}
        tokens = [k for k, v in shape.members.items() if v.metadata.get("idempotencyToken")]
        required = [k for k in shape.required_members if k not in tokens]
        if required:
            row["r"] = required
        if getattr(shape, "is_tagged_union", False):
            row["u"] = 1
        return row


def main(target: Path) -> None:
    """Write one file a service and say what was written."""
    driver = create_clidriver()
    table = driver._get_command_table()
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.json.gz"):
        old.unlink()
    operations = 0
    for cli_name, command in sorted(table.items()):
        if not isinstance(command, ServiceCommand):
            continue
        dumped = dump_service(cli_name, command)
        operations += len(dumped["ops"])
        write(target / f"{dumped['service']}.json.gz", dumped)
    print(f"awscli {awscli.__version__}: {operations} operations", file=sys.stderr)


def write(path: Path, value: Any) -> None:
    """Write compact JSON, compressed, with the same bytes for the same value."""
    data = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    path.write_bytes(gzip.compress(data, compresslevel=9, mtime=0))


def dump_service(cli_name: str, command: Any) -> dict[str, Any]:
    """Return the table of one service: operations by CLI name, shapes by name."""
    model = command.service_model
    shapes = Shapes()
    operations: dict[str, Any] = {}
    custom: list[str] = []
    for name, entry in command._get_command_table().items():
        if (
            isinstance(entry, ServiceOperation)
            and type(entry)._create_argument_table is ServiceOperation._create_argument_table
        ):
            operations[name] = dump_operation(cli_name, name, entry, shapes)
        elif name != "help":
            custom.append(name)
    return {
        "service": model.service_name, "cli": cli_name, "version": awscli.__version__,
        "prefix": model.metadata.get("signingName", model.metadata["endpointPrefix"]),
        "id": str(model.service_id), "protocol": model.metadata.get("protocol", ""),
        "ops": operations, "shapes": shapes.table, "custom": sorted(custom),
    }  # fmt: skip


def dump_operation(cli_service: str, name: str, entry: Any, shapes: Shapes) -> dict[str, Any]:
    """Return one operation: its model name, arguments, input, output traits and paging."""
    model = entry._operation_model
    row: dict[str, Any] = {"o": model.name}
    if model.input_shape is not None and model.input_shape.members:
        row["i"] = shapes.reference(model.input_shape)
    row["a"], refused = dump_arguments(cli_service, name, entry)
    if refused:
        row["x"] = refused
    sensitive = sorted(set(sensitive_paths(model.output_shape)))
    if sensitive:
        row["s"] = sensitive
    if model.has_streaming_output or model.has_event_stream_output:
        row["b"] = 1
    if model.deprecated:
        row["d"] = 1
    row["h"] = model.http.get("method", "")
    return row | paging(entry, model)


def paging(entry: Any, model: Any) -> dict[str, Any]:
    """Return `p`: the members that page an operation by hand, when awscli pages it by itself."""
    try:
        config = entry._session.get_paginator_model(model.service_model.service_name).get_paginator(model.name)
    except (DataNotFoundError, ValueError):
        return {}
    tokens = config["input_token"]
    tokens = tokens if isinstance(tokens, list) else [tokens]
    return {"p": tokens, "l": config.get("limit_key")} if config.get("limit_key") else {"p": tokens}


def dump_arguments(cli_service: str, name: str, entry: Any) -> tuple[dict[str, str], list[str]]:
    """Return argument → code and member, and the arguments that are awscli's own inventions.

    `=M` takes a value, `+M` and `-M` set a boolean, `?M` and `!M` set a structure whose only member is `Value`.
    """
    aliases = {
        alias for key, alias in HIDDEN_ALIASES.items() if matches(key, cli_service, name)
    }  # fmt: skip
    plain: dict[str, str] = {}
    refused: list[str] = []
    for arg_name, argument in entry.arg_table.items():
        kind = type(argument).__name__
        if arg_name in aliases or arg_name in {"cli-input-json", "cli-input-yaml", "generate-cli-skeleton"}:
            continue
        if kind == "PageArgument":
            shadowed = shadowed_member(arg_name, entry._operation_model)
            if shadowed:
                plain[arg_name] = "=" + shadowed
            continue
        code = argument_code(kind, argument)
        if code is None:
            refused.append(arg_name)
        else:
            plain[arg_name] = code + argument._serialized_name
    return plain, sorted(refused)


def argument_code(kind: str, argument: Any) -> str | None:
    """Return how an argument sets its member, or None for one that awscli invented."""
    if kind in TOP_LEVEL_BOOLEANS:
        return TOP_LEVEL_BOOLEANS[kind]
    if kind not in PLAIN_ARGUMENTS:
        return None
    if kind != "BooleanArgument":
        return "="
    return "+" if argument._action == "store_true" else "-"


def shadowed_member(arg_name: str, model: Any) -> str | None:
    """Return the member that awscli's paging argument hides, such as IAM's MaxItems."""
    wanted = arg_name.replace("-", "")
    members = model.input_shape.members if model.input_shape is not None else {}
    return next((m for m in members if m.lower() == wanted), None)


def matches(key: str, service: str, operation: str) -> bool:
    """Tell whether a rename key `<service>.<operation>.<argument>` is about an operation."""
    key_service, key_operation, _ = key.split(".", 2)
    return key_service == service and key_operation in {"*", operation}


def sensitive_paths(shape: Any) -> Iterator[str]:
    """Yield the output members that AWS marks sensitive or that are named like a secret."""
    if shape is not None:
        yield from _walk(shape, "", ())


def _walk(shape: Any, path: str, stack: tuple[str, ...]) -> Iterator[str]:
    if shape.name in stack or len(stack) > MAX_DEPTH:
        return
    if shape.metadata.get("sensitive"):
        yield path
        return
    inner = (*stack, shape.name)
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            below = f"{path}.{name}" if path else name
            if named_like_a_secret(name, member):
                yield below
            else:
                yield from _walk(member, below, inner)
    elif shape.type_name == "list":
        yield from _walk(shape.member, path + "[]", inner)
    elif shape.type_name == "map":
        yield from _walk(shape.value, path + "{}", inner)


def named_like_a_secret(name: str, member: Any) -> bool:
    """Tell whether a scalar string is named like a credential."""
    return member.type_name in {"string", "blob"} and any(s in name.lower() for s in SECRET_NAMES)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
