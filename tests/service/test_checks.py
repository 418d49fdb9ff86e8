"""What telemetry is asked for a decision: the policy's checks, filled from what the gateway knows of the target."""

from types import SimpleNamespace
from typing import Any

from gateway.core.check import judged
from gateway.core.predicate import MAX_MS
from gateway.service.work import checks_of

SETTINGS: Any = SimpleNamespace(
    profiles={"mine": {"checks": [{"name": "own", "provider": "p", "query": {"n": "{name}"}}]}}
)
READY = {
    "name": "ready", "kind": "not_worse", "margin": 0.1, "provider": "kubernetes",
    "query": {"measure": "ready", "object": "{object}", "since": "{started_ms}", "replicas": "{replicas}"},
}  # fmt: skip


def step(**changes: Any) -> dict[str, Any]:
    target = {"scope": "prod-eu", "namespace": "shop", "kind": "Deployment", "names": ["web"], "fanout": "one"}
    found = {
        "api": {"method": "PATCH", "group": "apps", "version": "v1", "resource": "deployments", "subresource": None},
        "target": target, "params": {"replicas": 3, "namespace": "evil", "name": "evil", "object": "evil"},
    }  # fmt: skip
    return {"step": {**found, **changes, "target": {**target, **changes.get("target", {})}}}


def asked(*profiles: dict[str, Any], steps: list[Any] | None = None, started_ms: int = 7) -> list[Any]:
    verify = {"verify": {"profiles": [{"step": 0, "profile": "x", **each} for each in profiles]}}
    return checks_of(SETTINGS, verify, steps or [step()], started_ms)


def test_placeholders_stand_for_the_target_and_never_for_what_an_agent_calls_it() -> None:
    [check] = asked({"checks": [READY]})
    served = {"group": "apps", "version": "v1", "resource": "deployments"}
    assert check["query"] == {
        "measure": "ready",
        "object": {"scope": "prod-eu", "namespace": "shop", **served, "name": "web"},
        "since": 7,
        "replicas": 3,
    }
    assert check["name"] == "0/ready"


def test_before_the_change_its_time_is_still_to_come() -> None:
    verify = {"verify": {"profiles": [{"step": 0, "profile": "x", "checks": [READY]}]}}
    assert checks_of(SETTINGS, verify, [step()])[0]["query"]["since"] == MAX_MS


def test_the_policy_goes_before_the_settings() -> None:
    assert [c["name"] for c in asked({"profile": "mine"})] == ["0/own"]
    assert [c["name"] for c in asked({"profile": "mine", "checks": [READY]})] == ["0/ready"]
    assert asked({"profile": "nobody's"}) == []
    assert checks_of(SETTINGS, {"verify": None}, [step()]) == []


def test_each_name_is_asked_for_itself() -> None:
    several = step(target={"names": ["a", "b"], "fanout": "listed"})
    found = asked({"checks": [READY]}, steps=[several])
    assert [(c["name"], c["query"]["object"]["name"]) for c in found] == [("0/ready/0", "a"), ("0/ready/1", "b")]
    [one] = asked({"checks": [READY]}, steps=[step(target={"names": [], "fanout": "selector"})])
    assert one["query"]["object"]["name"] == ""


def test_peers_are_sampled_beside_a_check_and_judged_with_it_only() -> None:
    compared = READY | {"control": {"measure": "ready", "object": {"name": "{namespace}-peers"}, "of": "{namespace}"}}
    check, peers = asked({"checks": [compared]})
    assert (peers["name"], peers["provider"], peers["query"]["of"]) == ("0/ready.control", "kubernetes", "shop")
    assert [c.name for c in judged([check, peers])] == ["0/ready"]
    assert judged([check])[0].control
