"""The kubectl tables at run time: commands with their flags, and the kinds of resources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

FlagType = Literal["bool", "string", "list", "int", "duration"]


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of one command."""

    name: str
    type: FlagType
    shorthand: str = ""
    optional_value: bool = False
    """`--cascade`, `--dry-run`, `--validate`: a following word is not their value, so only `=` is accepted."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command path with its own flags; global flags are in the table."""

    path: str
    flags: Mapping[str, Flag]
    shorthands: Mapping[str, Flag] = field(init=False)

    def __post_init__(self) -> None:
        shorthands = {flag.shorthand: flag for flag in self.flags.values() if flag.shorthand}
        object.__setattr__(self, "shorthands", MappingProxyType(shorthands))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource."""

    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]
    group: str
    version: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()
    subresources: frozenset[str] = frozenset()
    categories: tuple[str, ...] = ()
    custom: bool = False
    """From a custom resource definition; the executor checks that the cluster serves it."""
    discovered: bool = False
    """Known only because a cluster says that it serves it: nothing is known about what its fields mean."""
    qualified: bool = False
    """Known with its group only (`gateways.networking.istio.io`): the bare name usually means another kind."""

    @property
    def resource(self) -> str:
        """Return `deployments.apps`, or `pods` for the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _spellings(kind: Kind) -> set[str]:
    """Return what kubectl accepts for a kind; a name that two custom kinds share is for neither."""
    dotted = f".{kind.group}" if kind.group else "."
    names = (kind.plural, kind.singular, kind.kind.lower(), *kind.short_names)
    spelled = {s for n in names for s in (n, f"{n}{dotted}", f"{n}.{kind.version}{dotted}")}
    return spelled - set(names) if kind.qualified else spelled


@dataclass(frozen=True, slots=True)
class KubectlTable:
    """Commands by path (`rollout status`), global flags, and kinds by every name that kubectl accepts."""

    version: str
    commands: Mapping[str, Command]
    aliases: Mapping[str, str]
    """`create ns` → `create namespace`."""
    globals: Mapping[str, Flag]
    kinds: tuple[Kind, ...]
    discovery: str = ""
    """Digest of the document that a cluster's kinds and versions come from; empty for the shipped table."""
    names: Mapping[str, Kind] = field(init=False)
    """Lower-case plural, singular, kind, short name, and each of them with `.group` and `.version.group`."""

    def __post_init__(self) -> None:
        found: dict[str, Kind] = {}
        ambiguous: set[str] = set()
        for kind in self.kinds:
            for spelled in _spellings(kind):
                other = found.setdefault(spelled, kind)
                if other is not kind and other.custom:
                    ambiguous.add(spelled)
        unambiguous = {spelled: kind for spelled, kind in found.items() if spelled not in ambiguous}
        object.__setattr__(self, "names", MappingProxyType(unambiguous))

    def kind(self, name: str) -> Kind | None:
        """Return the kind of a resource argument; kubectl ignores case here."""
        return self.names.get(name.lower())

    def category(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of a category such as `all`."""
        return tuple(kind for kind in self.kinds if name in kind.categories)
