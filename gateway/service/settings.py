"""What the use cases need to know about their site; built once from the configuration file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.canonical import Json


@dataclass(frozen=True, slots=True)
class Environment:
    """A named environment, such as prod, and how critical it is."""

    name: str
    criticality: str


@dataclass(frozen=True, slots=True)
class ScopeSite:
    """Where a scope lives: the executor that serves it and the environment of each namespace."""

    name: str
    audience: str
    environments: Mapping[str, str]
    """Namespace (or `*`) to environment name."""

    def environment_of(self, namespace: str | None) -> str:
        """Return the environment of a namespace; a namespace that is not listed falls to `*`."""
        return self.environments.get(namespace or "*", self.environments["*"])


@dataclass(frozen=True, slots=True)
class Timing:
    """Every limit in time, in milliseconds."""

    observe_ms: int = 30_000
    """How long an observation may take before the action expires."""
    approval_ttl_ms: int = 3_600_000
    """How long people may think, unless the policy says less."""
    grant_ttl_ms: int = 300_000
    """How long a grant may wait for its attempt to begin, unless the policy says less."""
    attempt_ms: int = 60_000
    """How long one attempt may touch a target; the executor stops by itself at this limit."""
    attempt_margin_ms: int = 2_000
    """How long after that limit an attempt that did not report is taken for lost and probed."""
    redispatch_ms: int = 1_000
    """How long to wait before work that nobody took is offered again."""
    executor_absent_ms: int = 60_000
    """How long an action may wait while no executor of its audience is attached, before on-call is told."""
    undo_window_ms: int = 86_400_000
    """How long a committed change can still be rolled back."""
    undo_deadline_ms: int = 900_000
    """How long an undo is tried before a person has to look."""
    lease_margin_ms: int = 5_000
    """What a lease must last beyond its verification window."""
    lease_max_ms: int = 14_400_000
    """The longest lease, unless the policy says less."""
    drift_due_ms: int = 604_800_000
    """How long a change outside its owner in code may stand before the ledger calls it overdue."""
    evidence_window_ms: int = 3_600_000
    """How far back applied and undone changes are counted for the policy."""
    reconcile_ms: int = 30_000
    """How often open actions are looked at for a missing timer."""
    checkpoint_ms: int = 1_000
    """How old an unsigned leaf may grow."""
    checkpoint_leaves: int = 256
    """How many leaves may wait for a checkpoint."""
    policy_poll_ms: int = 1_000
    """How often the policy folder is looked at for a change."""
    sealed_keep_ms: int = 604_800_000
    """How long sealed plans, snapshots and outputs are kept after a final state."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """After so many mishaps inside the window the next change needs a person; then autonomy is back by itself.

    A mishap is a change that its target refused, that had to be taken back, or that people have to look at.
    """

    agent: int = 3
    """Mishaps of one agent in one environment."""
    operation: int = 5
    """Mishaps by one operation in one environment, whoever proposed them."""
    target: int = 3
    """Changes of one target that were taken back: what is tried there does not help."""
    window_ms: int = 3_600_000
    """How long a mishap counts, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many changes may be under way at once; what comes on top waits, like for a busy target."""

    agent: int = 16
    """Changes of one agent."""
    environment: int = 64
    """Changes in one environment, of all agents."""


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """The site as the use cases see it."""

    origin: str
    """The name of the log in its checkpoints, such as `countermand.example/log`."""
    scopes: Mapping[str, ScopeSite]
    environments: Mapping[str, Environment]
    profiles: Mapping[str, Mapping[str, Json]]
    """Verification profiles by name: {checks: [...]}; `{name}` in a query is filled from the step's params."""
    timing: Timing = field(default_factory=Timing)
    breaker: Breaker = field(default_factory=Breaker)
    concurrency: Concurrency = field(default_factory=Concurrency)
    approval_group: str = "sre-oncall"
    """Whom to ask when a decision needs a person and the policy does not say which."""
