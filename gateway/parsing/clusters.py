"""The kinds of one cluster: the shipped table, with the versions that the cluster prefers and the kinds it adds.

A cluster cannot make a shipped kind harmless: of these only the version is taken from it. What it adds is known by name
alone, so it is read and changed with the care that is due to the unknown (`Kind.discovered`).
"""

from dataclasses import replace

from gateway.core.discovery import Discovery, ServedKind
from gateway.parsing.tables_kubectl import Kind, KubectlTable


def with_discovery(table: KubectlTable, discovery: Discovery) -> KubectlTable:
    """Return the shipped table as it holds for a cluster, which knows better what is shipped as a name only."""
    served = {kind.resource: kind for kind in discovery.kinds}
    shipped = tuple(_in_version(kind, served.get(kind.resource)) for kind in table.kinds if not kind.discovered)
    known = {kind.resource for kind in shipped}
    plain = {spelled for spelled, kind in table.names.items() if "." not in spelled and not kind.discovered}
    added = tuple(_added(kind, plain) for kind in discovery.kinds if kind.resource not in known)
    return replace(table, kinds=shipped + added, discovery=discovery.digest)


def _in_version(kind: Kind, served: ServedKind | None) -> Kind:
    return kind if served is None else replace(kind, version=served.version)


def _added(kind: ServedKind, plain: set[str]) -> Kind:
    """Return a kind that only the cluster knows; where a shipped kind has its name it is known with its group only."""
    names = {kind.plural, kind.singular, kind.kind.lower(), *kind.short}
    return Kind(
        kind=kind.kind, plural=kind.plural, singular=kind.singular, short_names=kind.short, group=kind.group,
        version=kind.version, namespaced=kind.namespaced, verbs=frozenset(kind.verbs),
        subresources=frozenset(kind.subresources), custom=True, discovered=True, qualified=bool(names & plain),
    )  # fmt: skip
