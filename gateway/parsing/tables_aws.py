"""The AWS tables at run time: operations, arguments and shapes, as `tools/dump_aws.py` wrote them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.core.canonical import Json


@dataclass(frozen=True, slots=True)
class AwsOperation:
    """One operation of one service; a view of its row in the table."""

    service: "AwsService"
    command: str
    """The word that is typed, `modify-db-instance`."""
    row: Mapping[str, Json]

    @property
    def name(self) -> str:
        """Return the model's name, `ModifyDBInstance`."""
        return str(self.row["o"])

    @property
    def full_name(self) -> str:
        """Return `<service>.<Operation>`, the step's operation."""
        return f"{self.service.name}.{self.name}"

    @property
    def arguments(self) -> Mapping[str, str]:
        """Return argument → code and member.

        `=M` takes a value, `+M` sets true, `-M` sets false, `?M` and `!M` set `{"Value": true}` and `{"Value": false}`.
        """
        found: Mapping[str, str] = self.row["a"]
        return found

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Return arguments that awscli invented and that have no member of their own."""
        return tuple(self.row.get("x", ()))

    @property
    def input(self) -> Mapping[str, Json] | None:
        """Return the input structure, or None for an operation without input."""
        name = self.row.get("i")
        return None if name is None else self.service.shape(name)

    @property
    def actions(self) -> tuple[tuple[str, str], ...]:
        """Return (IAM action, level) pairs; levels are P(ermissions) W(rite) T(agging) R(ead) L(ist)."""
        return tuple((action, level) for action, level in self.row["m"])

    @property
    def sensitive_output(self) -> tuple[str, ...]:
        """Return some of the output members that reveal secrets; empty when none does."""
        return tuple(self.row.get("s", ()))

    @property
    def streams_output(self) -> bool:
        """Tell whether the answer is a stream, which awscli writes to a file."""
        return bool(self.row.get("b"))

    @property
    def paged(self) -> bool:
        """Tell whether awscli pages the operation by itself."""
        return "p" in self.row


_SCALARS = {code: MappingProxyType({"t": code}) for code in ("S", "I", "L", "F", "B", "Z", "X", "XS", "J")}


@dataclass(frozen=True, slots=True)
class AwsService:
    """The table of one service."""

    name: str
    """botocore's name: `s3`, `config`, `stepfunctions`."""
    cli: str
    """The word that is typed: `s3api`, `configservice`, `stepfunctions`."""
    version: str
    operations: Mapping[str, Mapping[str, Json]]
    shapes: Mapping[str, Mapping[str, Json]]
    custom: frozenset[str]
    """Commands that awscli invented; each one hides local files, code or several calls."""
    commands: Mapping[str, str] = field(init=False)
    """Model name → command."""

    def __post_init__(self) -> None:
        by_name = {str(row["o"]): command for command, row in self.operations.items()}
        object.__setattr__(self, "commands", MappingProxyType(by_name))

    def operation(self, command: str) -> AwsOperation | None:
        """Return an operation by the word that is typed."""
        row = self.operations.get(command)
        return None if row is None else AwsOperation(self, command, row)

    def operation_named(self, name: str) -> AwsOperation | None:
        """Return an operation by its model name."""
        command = self.commands.get(name)
        return None if command is None else self.operation(command)

    def shape(self, reference: str) -> Mapping[str, Json]:
        """Return a shape; `t` is s(tructure), l(ist), m(ap), S I L F B Z(time) X(blob) XS(stream) or J(document)."""
        return _SCALARS.get(reference) or self.shapes[reference]


@dataclass(frozen=True, slots=True)
class AwsTables:
    """The enabled services, and the names of the ones that are shipped but not enabled."""

    services: Mapping[str, AwsService]
    """By botocore's name."""
    shipped: Mapping[str, str]
    """Every shipped service: the word that is typed → botocore's name."""

    def by_command(self, word: str) -> AwsService | None:
        """Return an enabled service by the word that is typed."""
        name = self.shipped.get(word)
        return None if name is None else self.services.get(name)
