"""Steps and plans: what would be done, as frozen values with digests (DESIGN §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from gateway.core.canonical import Json, canonical, digest, digest_bytes, freeze, thaw

Tool = Literal["kubernetes", "aws", "postgres", "git", "github", "terraform", "helm", "process", "http", "telemetry"]
Fanout = Literal["one", "listed", "selector", "all"]
Connector = Literal["&&", ";"]
TOOLS: frozenset[str] = frozenset(Tool.__args__)  # type: ignore[attr-defined]  # Literal's members
MAX_STEPS = 32


@dataclass(frozen=True, slots=True)
class Target:
    """What a step acts on; `id` is stable text such as `aws:prod/eu-west-1/rds.db/orders`."""

    scope: str
    kind: str
    id: str
    fanout: Fanout = "one"
    names: tuple[str, ...] = ()
    region: str | None = None
    namespace: str | None = None
    selector: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the digest form: optional members are absent, not null."""
        optional = {"region": self.region, "namespace": self.namespace, "selector": self.selector}
        required = {
            "scope": self.scope, "kind": self.kind, "id": self.id,
            "fanout": self.fanout, "names": list(self.names),
        }  # fmt: skip
        return required | {k: v for k, v in optional.items() if v is not None}

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> "Target":
        """Read the digest form back; raises KeyError or TypeError when members are missing or foreign."""
        members = dict(value)
        members["names"] = tuple(members["names"])
        return cls(**members)


@dataclass(frozen=True, slots=True)
class Step:
    """One typed step (`step/1`); two steps that mean the same have the same digest."""

    tool: Tool
    operation: str
    api: Mapping[str, Json]
    target: Target
    params: Mapping[str, Json]
    digest: str = field(init=False, compare=False)
    _bytes: bytes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "api", freeze(self.api))
        object.__setattr__(self, "params", freeze(self.params))
        object.__setattr__(self, "_bytes", canonical(self._members()))
        object.__setattr__(self, "digest", digest_bytes(self._bytes))

    def to_json(self) -> dict[str, Json]:
        """Return exactly the five fields that the digest covers."""
        return self._members() | {"api": thaw(self.api), "params": thaw(self.params)}

    def to_bytes(self) -> bytes:
        """Return the canonical bytes that are hashed, signed and executed."""
        return self._bytes

    def _members(self) -> dict[str, Json]:
        """Return the five fields, containers still frozen."""
        return {
            "tool": self.tool, "operation": self.operation, "api": self.api,
            "target": self.target.to_json(), "params": self.params,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> "Step":
        """Read the five fields back; raises KeyError or TypeError when they are not these five."""
        if set(value) != {"tool", "operation", "api", "target", "params"}:
            raise KeyError("a step has exactly tool, operation, api, target, params")
        return cls(
            tool=cast("Tool", value["tool"]),
            operation=value["operation"],
            api=value["api"],
            target=Target.from_json(value["target"]),
            params=value["params"],
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """1 to 32 steps; `connectors[i]` joins step i to step i + 1."""

    steps: tuple[Step, ...]
    connectors: tuple[Connector, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.steps) <= MAX_STEPS or len(self.connectors) != len(self.steps) - 1:
            raise ValueError("a plan has 1 to 32 steps and one connector between neighbours")

    @property
    def digest(self) -> str:
        """Return `sha256(JCS([{digest, connector}]))`; the first step has no connector."""
        joined = (None, *self.connectors)
        rows = [
            {"digest": step.digest} | ({"connector": connector} if connector else {})
            for step, connector in zip(self.steps, joined, strict=True)
        ]
        return digest(rows)

    def to_bytes(self) -> bytes:
        """Return the canonical bytes of the whole plan, as an executor receives them."""
        # Canonical JSON of the members in order, so that a step is written once.
        steps = b",".join(s.to_bytes() for s in self.steps)
        return b'{"connectors":%b,"steps":[%b]}' % (canonical(self.connectors), steps)

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> "Plan":
        """Read the form of `to_bytes` back."""
        return cls(tuple(Step.from_json(s) for s in value["steps"]), tuple(value["connectors"]))
