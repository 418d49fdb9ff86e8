"""Decide the lines of a scenario as `countermand check` does, with what its incident says the cluster shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.cli.explainer import open_explainer
from gateway.parsing.tables_kubectl import Kind
from gateway.service.explain import Explainer, Explanation
from gateway.service.explain_line import Question

NOW_MS = 1_764_000_000_000
_VERBS = frozenset({"get", "list", "patch", "delete"})
# What the discovery of the clusters in the scenarios finds besides the kinds that ship with the gateway.
DISCOVERED = (
    Kind(
        "CronTab",
        "crontabs",
        "crontab",
        ("ct",),
        "stable.example.com",
        "v1",
        namespaced=True,
        verbs=_VERBS,
        custom=True,
    ),
    Kind(
        "BGPPeer", "bgppeers", "bgppeer", (), "crd.projectcalico.org", "v1", namespaced=False, verbs=_VERBS, custom=True
    ),
)


@dataclass(frozen=True, slots=True)
class Decided:
    """One line of a scenario and what became of it."""

    scenario: str
    command: str
    wanted: str
    word: str
    """auto | allow | approve | approve2 | shadow | deny, in the words of the corpus."""
    codes: tuple[str, ...]
    effects: tuple[str, ...]
    remedies: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Tell whether the corpus wants the same; a rewrite is a denial that names what to do instead."""
        if self.wanted == "rewrite":
            return self.word == "deny" and all(self.remedies)
        return self.word == self.wanted or {self.word, self.wanted} == {"auto", "allow"}


_OPEN: list[Explainer] = []
"""Opening takes seconds: once is enough, what is open is the real thing."""


async def open_with_discovery() -> Explainer:
    """Return the explainer of the shipped bundle and sample site, for a cluster with custom resources."""
    if not _OPEN:
        _OPEN.append(await open_explainer(None, None, many=True))
    [explainer] = _OPEN
    table = explainer.catalog.kubectl
    return replace(
        explainer, catalog=replace(explainer.catalog, kubectl=replace(table, kinds=table.kinds + DISCOVERED))
    )


def is_kubernetes(action: Mapping[str, Any]) -> bool:
    """Tell whether a line is for a cluster."""
    return str(action["cmd"]).startswith("kubectl ")


async def decide(explainer: Explainer, scenario: Mapping[str, Any], shown: Mapping[str, Any]) -> list[Decided]:
    """Decide the Kubernetes lines of one scenario: an incident with evidence, facts of a workload that is unwell."""
    return [await _decide(explainer, scenario["id"], action, shown) for action in _lines(scenario)]


def _lines(scenario: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (action for action in scenario["actions"] if is_kubernetes(action))


async def _decide(explainer: Explainer, name: str, action: Mapping[str, Any], shown: Mapping[str, Any]) -> Decided:
    command = str(action["cmd"]).encode()
    first = await explainer.explain(Question(command=command, scope="prod-eu"), NOW_MS)
    told = await explainer.explain(Question(command=command, scope="prod-eu", context=_context(first, shown)), NOW_MS)
    limits = [f for f in told.findings if f.get("limit") == "deny"]
    return Decided(
        scenario=name,
        command=str(action["cmd"]),
        wanted=action["expected_decision"],
        word=_word(told),
        codes=tuple(str(f["code"]) for f in told.findings),
        effects=told.effects,
        remedies=tuple(str(f["remedy"]) for f in limits),
    )


def _context(first: Explanation, shown: Mapping[str, Any]) -> dict[str, Any]:
    ids = [step["target"]["id"] for step in first.steps]
    value = {"health": "degraded"} | dict(shown)
    about = {"environment": {"name": "prod", "criticality": "high"}}
    facts = {"facts": [{"value": value}]}
    reads_only = set(first.effects) <= {"read", "read_sensitive"}
    return {
        "incident": {
            "source": "alertmanager",
            "alert_ms": NOW_MS - 60_000,
            "reads": [{"targets": ids, "at_ms": NOW_MS - 500, "outcome": "succeeded"}],
        },
        "agent": {"groups": ["sre-agents"], "model_tier": "large"},
        "steps": [about | ({} if reads_only else facts) for _ in ids],
    }


def _word(told: Explanation) -> str:
    people = max((int(a["n"]) for a in (told.obligations or {}).get("approvals", ())), default=1)
    if told.verdict == "approve":
        return "approve2" if people > 1 else "approve"
    if told.verdict == "allow":
        return "allow" if set(told.effects) <= {"read", "read_sensitive"} else "auto"
    return told.verdict
