"""What a Kubernetes cluster says it serves: one compact document, read strictly, known by its digest.

    {"v": 1, "kinds": [{"group": "apps", "version": "v1", "plural": "deployments", "singular": "deployment",
      "kind": "Deployment", "short": ["deploy"], "categories": ["all"], "namespaced": true,
      "verbs": ["get", "list", …], "subresources": ["scale", "status"]}, …]}

The order is the server's: of two kinds with one name the first is meant. A document that breaks any rule is refused
whole; who sends it is an executor, but what stands in it comes from a cluster.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.core.canonical import Json, canonical, digest_bytes, loads_strict

MAX_BYTES = 1_048_576
MAX_KINDS = 4_000
_MAX_WORDS = 32
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_GROUP = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)?")
_VERSION = re.compile(r"v[0-9][a-z0-9]{0,15}")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")
_SUBRESOURCE = re.compile(r"[a-z0-9](?:[a-z0-9/-]{0,61}[a-z0-9])?")
_MEMBERS = frozenset({
    "group", "version", "plural", "singular", "kind", "short", "categories", "namespaced", "verbs", "subresources",
})  # fmt: skip


class DiscoveryMalformed(ValueError):  # noqa: N818  # what a document is, in the words of the log
    """The document is not one of this form, and where."""


@dataclass(frozen=True, slots=True)
class ServedKind:
    """One kind of resource in the version that the cluster prefers."""

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    short: tuple[str, ...]
    categories: tuple[str, ...]
    namespaced: bool
    verbs: tuple[str, ...]
    subresources: tuple[str, ...]

    @property
    def resource(self) -> str:
        """Return `deployments.apps`, or `pods` for the core group."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """Return `apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class Discovery:
    """The kinds of one cluster."""

    kinds: tuple[ServedKind, ...]
    digest: str


def write(kinds: Sequence[ServedKind]) -> bytes:
    """Return the canonical document of some kinds."""
    return canonical({"v": 1, "kinds": [_written(kind) for kind in kinds]})


def read(document: bytes) -> Discovery:
    """Return what a document says; raises DiscoveryMalformed."""
    if len(document) > MAX_BYTES:
        raise DiscoveryMalformed(f"longer than {MAX_BYTES} bytes")
    try:
        found = loads_strict(document)
    except ValueError as exc:
        raise DiscoveryMalformed("not JSON") from exc
    if not isinstance(found, Mapping) or set(found) != {"v", "kinds"} or found["v"] != 1:
        raise DiscoveryMalformed("not a document of version 1")
    listed = found["kinds"]
    if not isinstance(listed, list) or len(listed) > MAX_KINDS:
        raise DiscoveryMalformed(f"kinds is not a list of at most {MAX_KINDS}")
    kinds = tuple(_read(f"kinds[{number}]", each) for number, each in enumerate(listed))
    if len({kind.resource for kind in kinds}) != len(kinds):
        raise DiscoveryMalformed("a resource is listed twice")
    if write(kinds) != document:
        raise DiscoveryMalformed("not canonical")
    return Discovery(kinds, digest_bytes(document))


def acceptable(kind: ServedKind) -> bool:
    """Tell whether a kind fits into a document; what does not is left out by who writes it."""
    try:
        _read("kind", _written(kind))
    except DiscoveryMalformed:
        return False
    return True


def _written(kind: ServedKind) -> dict[str, Json]:
    return {
        "group": kind.group, "version": kind.version, "plural": kind.plural, "singular": kind.singular,
        "kind": kind.kind, "short": list(kind.short), "categories": list(kind.categories),
        "namespaced": kind.namespaced, "verbs": list(kind.verbs), "subresources": list(kind.subresources),
    }  # fmt: skip


def _read(place: str, item: Json) -> ServedKind:
    if not isinstance(item, Mapping) or set(item) != _MEMBERS or not isinstance(item["namespaced"], bool):
        raise DiscoveryMalformed(f"{place} is not a kind")
    return ServedKind(
        _text(place, item, "group", _GROUP), _text(place, item, "version", _VERSION),
        _text(place, item, "plural", _LABEL), _text(place, item, "singular", _LABEL),
        _text(place, item, "kind", _KIND), _words(place, item, "short", _LABEL),
        _words(place, item, "categories", _LABEL), item["namespaced"], _words(place, item, "verbs", _LABEL),
        _words(place, item, "subresources", _SUBRESOURCE),
    )  # fmt: skip


def _text(place: str, item: Mapping[str, Json], name: str, form: re.Pattern[str]) -> str:
    value = item[name]
    if not isinstance(value, str) or form.fullmatch(value) is None:
        raise DiscoveryMalformed(f"{place}.{name} has another form")
    return value


def _words(place: str, item: Mapping[str, Json], name: str, form: re.Pattern[str]) -> tuple[str, ...]:
    values = item[name]
    if not isinstance(values, list) or len(values) > _MAX_WORDS:
        raise DiscoveryMalformed(f"{place}.{name} is not a list of at most {_MAX_WORDS}")
    return tuple(_text(place, {name: value}, name, form) for value in values)
