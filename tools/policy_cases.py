"""The cases behind policies/samples: a base input per technology and what each case changes in it."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

Json = Any
Change = Callable[[Json, Json], None]
"""Changes (document, its first step) in place."""

NOW_MS = 1_764_000_000_000  # 2025-11-24T16:00:00Z


def _target(target: str, scope: str, kind: str, *names: str, **optional: str) -> Json:
    return {"id": target, "scope": scope, "kind": kind, "names": list(names), "fanout": "one", **optional}


def _step(tool: str, operation: str, target: Json, params: Json, value: Json, undo: str) -> Json:
    return {
        "i": 0,
        "digest": "sha256:" + "5c" * 32,
        "tool": tool,
        "operation": operation,
        "effect": ["write"],
        "why": ["table:example"],
        "environment": {"name": "prod", "criticality": "high"},
        "params": params,
        "target": target,
        "facts": [
            {"target": target["id"], "status": "known", "observed_ms": NOW_MS - 800, "value": {"exists": True, **value}}
        ],
        "preflight": {"status": "ok", "targets": 1, "changes": [], "state_digest": "sha256:" + "9e" * 32},
        "undo": {"class": undo, "needs": []},
        "history": {
            "window_s": 3600,
            "agent": {"applied": 1, "undone": 0},
            "target": {"applied": 0, "undone": 0},
        },
    }


def _document(step: Json, read: str, lease_s: int | None = None) -> Json:
    request = {
        "action": "act_01JD",
        "door": "grpc",
        "untrusted": {"justification": "orders-api has no connections left"},
    }
    return {
        "schema": "countermand.input/1",
        "stage": "decide",
        "now_ms": NOW_MS,
        "request": request | ({} if lease_s is None else {"lease_s": lease_s}),
        "agent": {
            "id": "spiffe://acme.test/agent/sre-1",
            "owner": "team-checkout",
            "groups": ["sre-agents"],
            "model_tier": "large",
            "assurance": "mtls",
        },
        "incident": {
            "id": "inc_7",
            "source": "alertmanager",
            "phase": "remediation",
            "alert_ms": NOW_MS - 240_000,
            "hypotheses": [{"id": "h2", "state": "supported"}],
            "reads": [
                {
                    "action": "act_01JC",
                    "hypothesis": "h2",
                    "targets": [read],
                    "at_ms": NOW_MS - 120_000,
                    "outcome": "succeeded",
                }
            ],
        },
        "steps": [step],
        "plan": {"count": 1, "targets": 1, "effect": "write", "undo": step["undo"]["class"]},
        "envelope": None,
        "caps": [],
        "votes": [],
    }


def k8s_scale() -> Json:
    """Scale a degraded deployment from 2 to 3, under an autoscaler, owned by Argo CD."""
    target = _target("k8s:prod-eu/prod/deployments.apps/web", "prod-eu", "Deployment", "web", namespace="prod")
    value = {
        "owner": "team-checkout",
        "replicas": {"desired": 2, "ready": 1},
        "health": "degraded",
        "controllers": [{"kind": "HorizontalPodAutoscaler", "min": 2, "max": 6}],
        "iac": {"tool": "argocd", "ref": "acme/deploy//web"},
    }
    return _document(_step("kubernetes", "deployments.scale", target, {"replicas": 3}, value, "exact"), target["id"])


def aws_throttle() -> Json:
    """Throttle one API key's usage plan for 15 minutes."""
    target = _target(
        "aws:prod/eu-west-1/apigateway.UsagePlan/plan-1", "prod", "apigateway.UsagePlan", "plan-1", region="eu-west-1"
    )
    params = {
        "usagePlanId": "plan-1",
        "patchOperations": [{"op": "replace", "path": "/throttle/rateLimit", "value": "5"}],
    }
    value = {"throttle": {"rateLimit": 100.0, "burstLimit": 200}, "keys": 1}
    step = _step("aws", "apigateway.UpdateUsagePlan", target, params, value, "compensating")
    return _document(step, target["id"], lease_s=900)


def aws_capacity() -> Json:
    """Grow an Auto Scaling group from 2 to 4."""
    target = _target(
        "aws:prod/eu-west-1/autoscaling.AutoScalingGroup/web",
        "prod",
        "autoscaling.AutoScalingGroup",
        "web",
        region="eu-west-1",
    )
    params = {"AutoScalingGroupName": "web", "DesiredCapacity": 4}
    value = {"settings": {"MinSize": 2, "MaxSize": 10, "DesiredCapacity": 2}}
    step = _step("aws", "autoscaling.SetDesiredCapacity", target, params, value, "compensating")
    return _document(step, target["id"])


def aws_database() -> Json:
    """Give a database instance more storage."""
    target = _target("aws:prod/eu-west-1/rds.DBInstance/orders", "prod", "rds.DBInstance", "orders", region="eu-west-1")
    params = {"DBInstanceIdentifier": "orders", "AllocatedStorage": 200}
    value = {"settings": {"AllocatedStorage": 100, "DBInstanceClass": "db.r6g.large"}}
    return _document(_step("aws", "rds.ModifyDBInstance", target, params, value, "compensating"), target["id"])


def aws_ingress() -> Json:
    """Let one host in."""
    target = _target(
        "aws:prod/eu-west-1/ec2.SecurityGroup/sg-1", "prod", "ec2.SecurityGroup", "sg-1", region="eu-west-1"
    )
    ranges = [{"IpRanges": [{"CidrIp": "192.0.2.7/32"}], "Ipv6Ranges": [{"CidrIpv6": "2001:db8::7/128"}]}]
    params = {"GroupId": "sg-1", "IpPermissions": ranges}
    step = _step("aws", "ec2.AuthorizeSecurityGroupIngress", target, params, {}, "compensating")
    step["effect"] = ["boundary"]
    return _document(step, target["id"])


def pg_terminate() -> Json:
    """End one session of the orders database."""
    target = _target("pg:orders/session/4711", "orders", "session", "4711")
    value = {"backend_type": "client backend", "user": "orders_api", "application": "orders-api", "state": "idle"}
    step = _step("postgres", "sessions.terminate", target, {"sessions": [{"pid": 4711}]}, value, "neutral")
    return _document(step, "pg:orders/-")


def pg_limit() -> Json:
    """Cap a role at 10 connections for 15 minutes."""
    target = _target("pg:orders/role/orders_api", "orders", "role", "orders_api")
    value = {"connection_limit": -1, "superuser": False}
    step = _step("postgres", "roles.connection_limit", target, {"role": "orders_api", "limit": 10}, value, "exact")
    return _document(step, "pg:orders/-", lease_s=900)


def read() -> Json:
    """Look at a deployment, before anything is known."""
    document = k8s_scale()
    step = document["steps"][0]
    step |= {"operation": "deployments.get", "effect": ["read"], "params": {}, "undo": {"class": "not_needed"}}
    del step["facts"], step["preflight"], step["history"]
    document |= {"stage": "admit", "incident": None}
    document["plan"] = {"count": 1, "targets": 1, "effect": "read", "undo": "not_needed"}
    return document


def process_restart() -> Json:
    """Restart a unit on a staging host."""
    target = _target("process:web-1/systemctl", "web-1", "process", "systemctl")
    step = _step("process", "systemctl.restart", target, {"argv": ["systemctl", "restart", "nginx"]}, {}, "neutral")
    step["environment"] = {"name": "staging", "criticality": "medium"}
    return _document(step, target["id"])


def _in(environment: str, criticality: str = "low") -> Change:
    def change(_: Json, step: Json) -> None:
        step["environment"] = {"name": environment, "criticality": criticality}

    return change


def _params(**params: Json) -> Change:
    return lambda _, step: step["params"].update(params)


def _value(**value: Json) -> Change:
    return lambda _, step: step["facts"][0]["value"].update(value)


def _step_with(**members: Json) -> Change:
    return lambda _, step: step.update(copy.deepcopy(members))


def _target_with(**members: Json) -> Change:
    return lambda _, step: step["target"].update(members)


def _document_with(**members: Json) -> Change:
    return lambda document, _: document.update(copy.deepcopy(members))


def _agent(**members: Json) -> Change:
    return lambda document, _: document["agent"].update(members)


def _history(who: str, **counts: int) -> Change:
    return lambda _, step: step["history"][who].update(counts)


def _without(*members: str) -> Change:
    def change(_: Json, step: Json) -> None:
        for member in members:
            step.pop(member, None)

    return change


def _at(now_ms: int) -> Change:
    """Move the whole case to another time."""

    def change(document: Json, _: Json) -> None:
        document["now_ms"] = now_ms
        document["incident"]["alert_ms"] += now_ms - NOW_MS
        document["incident"]["reads"][0]["at_ms"] += now_ms - NOW_MS

    return change


def _lease(seconds: int | None) -> Change:
    def change(document: Json, _: Json) -> None:
        document["request"].pop("lease_s", None)
        if seconds is not None:
            document["request"]["lease_s"] = seconds

    return change


def _cidrs(*cidrs: str) -> Change:
    return _params(IpPermissions=[{"IpRanges": [{"CidrIp": cidr} for cidr in cidrs]}])


CASES: dict[str, tuple[Callable[[], Json], tuple[Change, ...]]] = {
    # reads
    "read": (read, ()),
    "read_in_unknown_environment": (read, (_in("elsewhere"),)),
    "read_by_unknown_group": (read, (_agent(groups=["strangers"]),)),
    "read_pods_log": (read, (_step_with(operation="pods.log", effect=["read_sensitive"]),)),
    "read_configmap": (read, (_step_with(operation="configmaps.get", effect=["read", "read_sensitive"]),)),
    "read_configmap_in_staging": (
        read,
        (_step_with(operation="configmaps.get", effect=["read_sensitive"]), _in("staging", "medium")),
    ),
    "read_secret": (read, (_step_with(operation="secrets.get", effect=["read_sensitive"]),)),
    # kubernetes
    "k8s_scale": (k8s_scale, ()),
    "k8s_scale_at_admit": (k8s_scale, (_document_with(stage="admit"), _without("facts", "preflight"))),
    "k8s_scale_beyond_factor": (k8s_scale, (_params(replicas=5),)),
    "k8s_scale_beyond_autoscaler": (k8s_scale, (_params(replicas=8),)),
    "k8s_scale_to_zero": (k8s_scale, (_params(replicas=0), _value(controllers=[]))),
    "k8s_scale_known_from_list": (
        k8s_scale,
        (lambda d, _: d["incident"]["reads"][0].update(targets=["k8s:prod-eu/prod/deployments.apps/*"]),),
    ),
    "k8s_scale_healthy": (k8s_scale, (_value(health="healthy", iac=None),)),
    "k8s_scale_in_staging": (k8s_scale, (_in("staging", "medium"),)),
    "k8s_scale_stale_facts": (k8s_scale, (lambda _, s: s["facts"][0].update(status="stale"),)),
    "k8s_scale_in_kube_system": (k8s_scale, (_target_with(namespace="kube-system"),)),
    "k8s_scale_in_own_namespace": (k8s_scale, (_target_with(namespace="countermand"),)),
    "k8s_restart": (k8s_scale, (_step_with(operation="deployments.restart", params={}, undo={"class": "neutral"}),)),
    "k8s_restart_statefulset": (
        k8s_scale,
        (_step_with(operation="statefulsets.restart", params={}, undo={"class": "neutral"}),),
    ),
    "k8s_delete_namespace": (
        k8s_scale,
        (
            _step_with(
                operation="namespaces.delete", effect=["destructive", "write"], params={}, undo={"class": "none"}
            ),
            _target_with(id="k8s:prod-eu/-/namespaces/prod", kind="Namespace", names=["prod"]),
        ),
    ),
    "k8s_delete_pod_by_force": (
        k8s_scale,
        (
            _step_with(operation="pods.delete", effect=["destructive", "write"], undo={"class": "neutral"}),
            _step_with(params={"force": True, "grace_period_seconds": 0}),
        ),
    ),
    # aws
    "aws_throttle": (aws_throttle, ()),
    "aws_throttle_at_admit": (aws_throttle, (_document_with(stage="admit"), _without("facts", "preflight"))),
    "aws_throttle_without_lease": (aws_throttle, (_lease(None),)),
    "aws_throttle_lease_too_long": (aws_throttle, (_lease(7200),)),
    "aws_throttle_shared_plan": (aws_throttle, (_value(keys=2),)),
    "aws_throttle_to_zero": (
        aws_throttle,
        (_params(patchOperations=[{"op": "replace", "path": "/throttle/rateLimit", "value": "0"}]),),
    ),
    "aws_throttle_not_a_number": (
        aws_throttle,
        (_params(patchOperations=[{"op": "replace", "path": "/throttle/rateLimit", "value": "5e3"}]),),
    ),
    "aws_throttle_other_path": (
        aws_throttle,
        (_params(patchOperations=[{"op": "add", "path": "/apiStages", "value": "a:prod"}]),),
    ),
    "aws_throttle_raised": (aws_throttle, (_value(throttle={"rateLimit": 2.0, "burstLimit": 4}),)),
    "aws_throttle_of_unthrottled_plan": (aws_throttle, (_value(throttle=None),)),
    "aws_throttle_in_dev": (aws_throttle, (_in("dev"), _document_with(incident=None))),
    "aws_throttle_suggested": (aws_throttle, (_agent(groups=["read-only-agents"]),)),
    "aws_capacity": (aws_capacity, ()),
    "aws_capacity_above_maximum": (aws_capacity, (_params(DesiredCapacity=50),)),
    "aws_capacity_zero": (aws_capacity, (_params(DesiredCapacity=0), _value(settings={"MinSize": 0, "MaxSize": 10}))),
    "aws_more_storage": (aws_database, ()),
    "aws_less_storage": (aws_database, (_params(AllocatedStorage=50),)),
    "aws_database_public": (aws_database, (_params(PubliclyAccessible=True),)),
    "aws_database_password": (aws_database, (_params(MasterUserPassword="secretref:1"),)),
    "aws_database_unprotected": (aws_database, (_params(DeletionProtection=False),)),
    "aws_delete_database": (
        aws_database,
        (
            _step_with(operation="rds.DeleteDBInstance", effect=["destructive", "write"]),
            _step_with(params={"DBInstanceIdentifier": "orders", "SkipFinalSnapshot": True}),
        ),
    ),
    "aws_delete_database_with_snapshot": (
        aws_database,
        (
            _step_with(undo={"class": "none"}),
            _step_with(operation="rds.DeleteDBInstance", effect=["destructive", "write"]),
            _step_with(params={"DBInstanceIdentifier": "orders", "FinalDBSnapshotIdentifier": "orders-last"}),
        ),
    ),
    "aws_reboot_database": (aws_database, (_step_with(operation="rds.RebootDBInstance", params={}),)),
    "aws_ingress_host": (aws_ingress, ()),
    "aws_ingress_world": (aws_ingress, (_cidrs("192.0.2.7/32", "0.0.0.0/0"),)),
    "aws_ingress_half_the_world": (aws_ingress, (_cidrs("0.0.0.0/1", "128.0.0.0/1"),)),
    "aws_ingress_ipv6_world": (aws_ingress, (_params(IpPermissions=[{"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]),)),
    # postgres
    "pg_terminate": (pg_terminate, ()),
    "pg_terminate_in_staging": (pg_terminate, (_in("staging", "medium"),)),
    "pg_terminate_walsender": (pg_terminate, (_value(backend_type="walsender", user="replicator"),)),
    "pg_terminate_of_postgres": (pg_terminate, (_value(user="postgres"),)),
    "pg_terminate_suggested": (pg_terminate, (_agent(groups=["read-only-agents"]),)),
    "pg_limit": (pg_limit, ()),
    "pg_limit_for_good": (pg_limit, (_lease(None),)),
    "pg_limit_too_low": (pg_limit, (_params(limit=0),)),
    "pg_limit_of_superuser": (pg_limit, (_value(superuser=True),)),
    "pg_limit_of_postgres": (pg_limit, (_target_with(id="pg:orders/role/postgres", names=["postgres"]),)),
    # process
    "process_restart_in_staging": (process_restart, ()),
    "process_restart": (process_restart, (_in("prod", "high"),)),
    "process_unlisted": (process_restart, (_step_with(operation="rm.file", effect=["destructive", "write"]),)),
    # incident
    "no_incident": (aws_throttle, (_document_with(incident=None),)),
    "incident_by_agent": (aws_throttle, (lambda d, _: d["incident"].update(source="agent"),)),
    "evidence_missing": (aws_throttle, (lambda d, _: d["incident"].update(reads=[]),)),
    "evidence_old": (aws_throttle, (lambda d, _: d["incident"]["reads"][0].update(at_ms=NOW_MS - 3_600_000),)),
    "evidence_failed": (aws_throttle, (lambda d, _: d["incident"]["reads"][0].update(outcome="failed"),)),
    "alert_old": (aws_throttle, (lambda d, _: d["incident"].update(alert_ms=NOW_MS - 100_000_000),)),
    # tiers
    "model_small": (aws_throttle, (_agent(model_tier="small"),)),
    "effect_without_tier": (aws_throttle, (_step_with(effect=["write", "session"]),)),
    "effect_unknown": (aws_throttle, (_step_with(effect=["unknown"]),)),
    "effect_none": (aws_throttle, (_step_with(effect=[]),)),
    "two_groups": (pg_limit, (_agent(groups=["read-only-agents", "sre-agents"]),)),
    # blast radius
    "blast_all": (k8s_scale, (_target_with(fanout="all"),)),
    "blast_selector": (k8s_scale, (_target_with(fanout="selector", selector="app=web"),)),
    "blast_selector_uncounted": (
        k8s_scale,
        (_target_with(fanout="selector", selector="app=web"), _step_with(preflight={"status": "ok"})),
    ),
    "blast_many": (pg_terminate, (_target_with(fanout="listed", names=[str(n) for n in range(5)]),)),
    "blast_too_many": (pg_terminate, (_target_with(fanout="listed", names=[str(n) for n in range(30)]),)),
    # observation
    "facts_unknown": (aws_throttle, (lambda _, s: s["facts"][0].update(status="unknown"),)),
    "preflight_failed": (aws_throttle, (_step_with(preflight={"status": "failed", "code": "INVALID"}),)),
    "preflight_missing": (aws_throttle, (_without("preflight"),)),
    # freeze (config/freeze: 12 to 19 December restricted, then frozen to 4 January)
    "freeze": (aws_throttle, (_at(1_798_000_000_000),)),
    "freeze_read": (read, (_document_with(now_ms=1_798_000_000_000),)),
    "freeze_over": (aws_throttle, (_at(1_799_049_600_000),)),
    "restricted": (aws_throttle, (_at(1_797_300_000_000),)),
    # rate
    "rate_high": (aws_throttle, (_history("agent", applied=10),)),
    "rate_exceeded": (aws_throttle, (_history("agent", applied=40),)),
    "agent_undone": (aws_throttle, (_history("agent", undone=3),)),
    "target_changed_often": (aws_throttle, (_history("target", applied=3),)),
    "target_undone_once": (aws_throttle, (_history("target", undone=1),)),
    "target_flapping": (aws_throttle, (_history("target", undone=3),)),
    "history_unknown": (aws_throttle, (_without("history"),)),
    # undo
    "undo_none": (aws_throttle, (_step_with(undo={"class": "none"}),)),
}


def cases() -> Iterator[tuple[str, Json]]:
    """Yield (name, policy input) of every sample."""
    for name, (base, changes) in CASES.items():
        document = base()
        for change in changes:
            change(document, document["steps"][0])
        yield name, document
    plan = pg_limit()
    looked = read()["steps"][0]
    plan["steps"] = [looked, plan["steps"][0] | {"i": 1}]
    plan["plan"] |= {"count": 2, "targets": 2}
    yield "plan_of_a_read_and_a_write", plan
