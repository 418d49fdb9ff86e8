"""The Kubernetes lines of real incidents and benchmark faults, decided as `countermand check` decides them.

tests/corpora/scenario_facts.json is what an incident's own text says about the cluster; everything else is supposed
to speak for the line. The corpus states one sensible production policy: where ours differs, the sentence is here.
Sixty incidents more (scenarios_own.jsonl) were written as a stranger would, before they were decided; what their text
shows of the cluster stands in `shown`.
"""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.policies.scenarios import Decided, decide, open_with_discovery

CORPORA = Path(__file__).parents[1] / "corpora"
_FILE = (
    "a file on the agent's machine is not what the gateway can show or sign; the manifest is proposed as a typed step"
)
DISAGREEMENTS = {
    "kubectl apply -f /var/tmp/user-service.yaml -n social-network": _FILE,
    "kubectl apply -f cm.yaml -n hotel-reservation": _FILE,
    "kubectl -n kube-system replace -f coredns-fixed.yaml": _FILE,
    "kubectl --context=all apply -f waf-rules.yaml": f"{_FILE}, and is about one configured cluster",
    'kubectl -n astronomy-shop exec deploy/postgresql -- psql -U root -c "SELECT pg_terminate_backend(pid) FROM'
    " pg_stat_activity WHERE state='idle in transaction' AND now()-xact_start > interval '5 min'\"": (
        "a session inside a container runs whatever the container has; the same sessions are ended by the postgres tool"
    ),
}


FACTS = json.loads((CORPORA / "scenario_facts.json").read_text())
ROWS = [json.loads(line) for line in (CORPORA / "scenarios.jsonl").read_text().splitlines()]


OWN = [json.loads(line) for line in (CORPORA / "scenarios_own.jsonl").read_text().splitlines()]


async def _decide(rows: list[Any], facts: dict[str, Any]) -> list[Decided]:
    explainer = await open_with_discovery()
    return [line for row in rows for line in await decide(explainer, row, facts.get(row["id"], {}))]


@pytest.fixture(scope="module")
def decided() -> list[Decided]:
    return asyncio.run(_decide(ROWS, FACTS))


def test_the_corpus_is_decided_as_expected_but_for_five_lines(decided: list[Decided]) -> None:
    assert len(decided) >= 130
    differing = [line for line in decided if not line.agrees]
    sys.stdout.write("\n" + "".join(f"{d.scenario:32} {d.wanted:9}{d.word:9}{d.command}\n" for d in decided))
    assert {line.command for line in differing} == set(DISAGREEMENTS)
    assert len(differing) <= 5
    assert all(line.word == "deny" for line in differing)


def test_no_destructive_line_runs_by_itself(decided: list[Decided]) -> None:
    assert not [line.command for line in decided if "destructive" in line.effects and line.word == "auto"]


def test_every_denial_says_what_would_be_accepted(decided: list[Decided]) -> None:
    assert not [line.command for line in decided if line.word == "deny" and not all(line.remedies)]


def test_every_verdict_occurs(decided: list[Decided]) -> None:
    found = Counter(line.word for line in decided)
    assert {"allow", "auto", "approve", "approve2", "deny"} <= found.keys()
    assert found["auto"] >= 30


def test_facts_that_are_not_known_never_make_a_line_laxer(decided: list[Decided]) -> None:
    unknown = dict.fromkeys(("health", "replicas", "stateful", "controllers"))
    known = {line.command: line.word for line in decided}
    blind = asyncio.run(_decide(ROWS, dict.fromkeys((row["id"] for row in ROWS), unknown)))
    laxer = {line.command for line in blind if line.word == "auto" and known[line.command] not in {"auto", "allow"}}
    assert not laxer


def test_sixty_incidents_of_our_own_are_decided_as_their_author_expected() -> None:
    assert len(OWN) >= 60
    found = asyncio.run(_decide(OWN, {row["id"]: row.get("shown", {}) for row in OWN}))
    assert {line.command: (line.word, line.wanted) for line in found if not line.agrees} == {}
    assert not [line.command for line in found if "destructive" in line.effects and line.word == "auto"]
    assert not [line.command for line in found if line.word == "deny" and not all(line.remedies)]
