"""Everything a use case reaches for, in one frozen value that the composition root builds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.core.keys import VerifyKey
from gateway.core.redact import Redactor
from gateway.parsing.catalog import Catalog
from gateway.ports import Clock, Ids, Signer, Store
from gateway.ports_policy import PolicyEngine
from gateway.service.bus import Bus
from gateway.service.clusters import Clusters
from gateway.service.hub import Hub
from gateway.service.settings import ServiceSettings
from gateway.service.texts import Texts


class Counts(Protocol):
    """What a gateway counts; labels are words of the gateway, never text of a caller."""

    def decided(self, verdict: str, seconds: float) -> None:
        """Count a decision and how long it took."""
        ...

    def entered(self, state: str) -> None:
        """Count an action that entered a state."""
        ...


class Sealer(Protocol):
    """Authenticated encryption of what must be restorable but never logged."""

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Return the sealed bytes, bound to `aad`."""
        ...

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """Return the plaintext; raises StoreFault when it was tampered with."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """The ports, the catalog and the settings."""

    store: Store
    policy: PolicyEngine
    signer: Signer
    clock: Clock
    ids: Ids
    sealer: Sealer
    redactor: Redactor
    catalog: Catalog
    settings: ServiceSettings
    keys: Callable[[], Mapping[str, VerifyKey]]
    texts: Callable[[], Texts]
    """Messages and remedies; they follow the policy bundle in force."""
    counts: Counts
    bus: Bus
    hub: Hub
    clusters: Clusters = field(default_factory=Clusters)
