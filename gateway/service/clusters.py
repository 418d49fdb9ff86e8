"""What the clusters said that they serve, and the catalog that follows from it."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.core.discovery import Discovery
from gateway.parsing.catalog import Catalog
from gateway.parsing.clusters import with_discovery


class Clusters:
    """The newest discovery of each Kubernetes scope, in this process; executors tell it again when they attach."""

    def __init__(self) -> None:
        self._known: dict[str, Discovery] = {}
        self._made: tuple[Catalog, Catalog] | None = None

    @property
    def digests(self) -> Mapping[str, str]:
        """Return the digest of each scope's discovery."""
        return {scope: found.digest for scope, found in self._known.items()}

    def learn(self, scope: str, discovery: Discovery) -> None:
        """Read proposals for a scope with these kinds from now on."""
        self._known[scope] = discovery
        self._made = None

    def catalog(self, shipped: Catalog) -> Catalog:
        """Return the catalog with the kinds of every cluster; made anew only when one has changed."""
        if not self._known:
            return shipped
        if self._made is None or self._made[0] is not shipped:
            tables = {scope: with_discovery(shipped.kubectl, found) for scope, found in self._known.items()}
            self._made = (shipped, replace(shipped, clusters=tables))
        return self._made[1]
