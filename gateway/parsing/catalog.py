"""What the gateway knows before it reads a proposal: scopes, tables, command shapes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from gateway.core.step import Tool

if TYPE_CHECKING:
    from gateway.parsing.tables_aws import AwsTables
    from gateway.parsing.tables_kubectl import KubectlTable


@dataclass(frozen=True, slots=True)
class Scope:
    """One configured place that steps can act on: a cluster, account, database, repository or host."""

    name: str
    tool: Tool
    default_region: str | None = None
    """AWS only; a step without `--region` acts here."""
    regions: tuple[str, ...] = ()
    """AWS only; a region outside this list is refused."""
    default_namespace: str = "default"
    """Kubernetes only."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One position of a process's argv: a literal word, a choice, an integer range or a bounded word."""

    kind: Literal["literal", "choice", "int", "word"]
    name: str = ""
    values: tuple[str, ...] = ()
    """The literal (one value) or the choices."""
    low: int = 0
    high: int = 0
    max_chars: int = 128
    optional: bool = False


@dataclass(frozen=True, slots=True)
class CommandShape:
    """A process that may be proposed: argv is exactly these slots, run without a shell."""

    name: str
    """The word that is typed, e.g. `systemctl`; the executor's own configuration maps it to a file."""
    slots: tuple[Slot, ...]
    effects: frozenset[str]
    operation: str
    undo: str = "none"


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything `parse` needs besides the bytes; frozen, built once by the composition root."""

    scopes: Mapping[str, Scope]
    kubectl: "KubectlTable"
    aws: "AwsTables"
    commands: tuple[CommandShape, ...] = ()
    sql_functions: frozenset[str] = field(default_factory=frozenset)
    """Extra functions that a site declares pure; the shipped allow-list is always present."""
    clusters: Mapping[str, "KubectlTable"] = field(default_factory=dict)
    """Scope → the table with the kinds that this cluster serves; see `parsing.clusters`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "scopes", MappingProxyType(dict(self.scopes)))
        object.__setattr__(self, "clusters", MappingProxyType(dict(self.clusters)))

    def kubectl_of(self, scope: str) -> "KubectlTable":
        """Return the kubectl table of a cluster: the shipped one until the cluster has told what it serves."""
        return self.clusters.get(scope, self.kubectl)

    def scopes_of(self, tool: str) -> tuple[Scope, ...]:
        """Return the configured scopes of one tool, in the order of configuration."""
        return tuple(s for s in self.scopes.values() if s.tool == tool)
