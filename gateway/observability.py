"""Metrics of a gateway: one registry, made by the composition root and read by `/metrics`."""

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# Seconds. A decision is expected well below 10 ms, with observation below a few seconds.
_DECISION_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_VERDICTS = ("deny", "shadow", "approve", "allow")


class Metrics:
    """What happened, counted. Labels hold words of the gateway only, never text of a caller."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._decisions = Counter("countermand_decisions", "Decisions by verdict.", ["verdict"], registry=self.registry)
        self._decision_seconds = Histogram(
            "countermand_decision_seconds",
            "From a proposal to its recorded decision.",
            registry=self.registry,
            buckets=_DECISION_BUCKETS,
        )
        self._actions = Counter(
            "countermand_action_states", "Actions that entered a state.", ["state"], registry=self.registry
        )
        self._alerts = Counter("countermand_alerts", "Alerts received by status.", ["status"], registry=self.registry)
        self._log_size = Gauge("countermand_log_leaves", "Leaves in the log.", registry=self.registry)
        self._policy_stale = Gauge(
            "countermand_policy_stale", "1 when the newest bundle was not accepted.", registry=self.registry
        )
        self._executors = Gauge(
            "countermand_executor_attached", "1 for each audience that is served.", ["audience"], registry=self.registry
        )
        for verdict in _VERDICTS:
            self._decisions.labels(verdict)

    def decided(self, verdict: str, seconds: float) -> None:
        """Count a decision and how long it took."""
        self._decisions.labels(verdict).inc()
        self._decision_seconds.observe(seconds)

    def entered(self, state: str) -> None:
        """Count an action that entered a state."""
        self._actions.labels(state).inc()

    def alerted(self, status: str) -> None:
        """Count an alert that arrived, firing or resolved."""
        self._alerts.labels(status).inc()

    def set_log_size(self, leaves: int) -> None:
        """Set the size of the log."""
        self._log_size.set(leaves)

    def set_policy_stale(self, *, stale: bool) -> None:
        """Tell whether an older revision is in force because the newest was refused."""
        self._policy_stale.set(int(stale))

    def set_executors(self, audiences: Collection[str]) -> None:
        """Name the audiences that are served now; the others go."""
        self._executors.clear()
        for audience in audiences:
            self._executors.labels(audience).set(1)

    def render(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return generate_latest(self.registry)
