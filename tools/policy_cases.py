"""The cases behind policies/samples: a base input per technology and what each case changes in it."""

from collections.abc import Callable, Iterator

from tools.policy_case_parts import (
    NOW_MS,
    Change,
    Json,
    agent_with,
    cidrs,
    document_of,
    document_with,
    history_with,
    leased,
    moved_to,
    params_with,
    placed,
    step_of,
    step_with,
    target_of,
    target_with,
    value_with,
    without,
)
from tools.policy_cases_kubernetes import CASES as KUBERNETES
from tools.policy_cases_kubernetes import k8s_scale
from tools.policy_cases_standing import CASES as STANDING


def aws_throttle() -> Json:
    """Throttle one API key's usage plan for 15 minutes."""
    target = target_of(
        "aws:prod/eu-west-1/apigateway.UsagePlan/plan-1", "prod", "apigateway.UsagePlan", "plan-1", region="eu-west-1"
    )
    params = {
        "usagePlanId": "plan-1",
        "patchOperations": [{"op": "replace", "path": "/throttle/rateLimit", "value": "5"}],
    }
    value = {"throttle": {"rateLimit": 100.0, "burstLimit": 200}, "keys": 1}
    step = step_of("aws", "apigateway.UpdateUsagePlan", target, params, value, "compensating")
    return document_of(step, target["id"], lease_s=900)


def aws_capacity() -> Json:
    """Grow an Auto Scaling group from 2 to 4."""
    target = target_of(
        "aws:prod/eu-west-1/autoscaling.AutoScalingGroup/web",
        "prod",
        "autoscaling.AutoScalingGroup",
        "web",
        region="eu-west-1",
    )
    params = {"AutoScalingGroupName": "web", "DesiredCapacity": 4}
    value = {"settings": {"MinSize": 2, "MaxSize": 10, "DesiredCapacity": 2}}
    step = step_of("aws", "autoscaling.SetDesiredCapacity", target, params, value, "compensating")
    return document_of(step, target["id"])


def aws_database() -> Json:
    """Give a database instance more storage."""
    target = target_of(
        "aws:prod/eu-west-1/rds.DBInstance/orders", "prod", "rds.DBInstance", "orders", region="eu-west-1"
    )
    params = {"DBInstanceIdentifier": "orders", "AllocatedStorage": 200}
    value = {"settings": {"AllocatedStorage": 100, "DBInstanceClass": "db.r6g.large"}}
    return document_of(step_of("aws", "rds.ModifyDBInstance", target, params, value, "compensating"), target["id"])


def aws_ingress() -> Json:
    """Let one host in."""
    target = target_of(
        "aws:prod/eu-west-1/ec2.SecurityGroup/sg-1", "prod", "ec2.SecurityGroup", "sg-1", region="eu-west-1"
    )
    ranges = [{"IpRanges": [{"CidrIp": "192.0.2.7/32"}], "Ipv6Ranges": [{"CidrIpv6": "2001:db8::7/128"}]}]
    params = {"GroupId": "sg-1", "IpPermissions": ranges}
    step = step_of("aws", "ec2.AuthorizeSecurityGroupIngress", target, params, {}, "compensating")
    step["effect"] = ["boundary"]
    return document_of(step, target["id"])


def pg_terminate() -> Json:
    """End one session of the orders database."""
    target = target_of("pg:orders/session/4711", "orders", "session", "4711")
    value = {"backend_type": "client backend", "user": "orders_api", "application": "orders-api", "state": "idle"}
    step = step_of("postgres", "sessions.terminate", target, {"sessions": [{"pid": 4711}]}, value, "neutral")
    return document_of(step, "pg:orders/-")


def pg_limit() -> Json:
    """Cap a role at 10 connections for 15 minutes."""
    target = target_of("pg:orders/role/orders_api", "orders", "role", "orders_api")
    value = {"connection_limit": -1, "superuser": False}
    step = step_of("postgres", "roles.connection_limit", target, {"role": "orders_api", "limit": 10}, value, "exact")
    return document_of(step, "pg:orders/-", lease_s=900)


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
    target = target_of("process:web-1/systemctl", "web-1", "process", "systemctl")
    step = step_of("process", "systemctl.restart", target, {"argv": ["systemctl", "restart", "nginx"]}, {}, "neutral")
    step["environment"] = {"name": "staging", "criticality": "medium"}
    return document_of(step, target["id"])


CASES: dict[str, tuple[Callable[[], Json], tuple[Change, ...]]] = {
    # reads
    "read": (read, ()),
    "read_in_unknown_environment": (read, (placed("elsewhere"),)),
    "read_by_unknown_group": (read, (agent_with(groups=["strangers"]),)),
    "read_pods_log": (read, (step_with(operation="pods.log", effect=["read_sensitive"]),)),
    "read_configmap": (read, (step_with(operation="configmaps.get", effect=["read", "read_sensitive"]),)),
    "read_cluster_dns": (
        read,
        (
            step_with(operation="configmaps.get", effect=["read_sensitive"]),
            target_with(id="k8s:prod-eu/kube-system/configmaps/coredns", namespace="kube-system", names=["coredns"]),
        ),
    ),
    "read_whole_namespace": (read, (step_with(operation="resources.list", effect=["read_sensitive"]),)),
    "read_configmap_in_staging": (
        read,
        (step_with(operation="configmaps.get", effect=["read_sensitive"]), placed("staging", "medium")),
    ),
    "read_secret": (read, (step_with(operation="secrets.get", effect=["read_sensitive"]),)),
    # aws
    "aws_throttle": (aws_throttle, ()),
    "aws_throttle_at_admit": (aws_throttle, (document_with(stage="admit"), without("facts", "preflight"))),
    "aws_throttle_without_lease": (aws_throttle, (leased(None),)),
    "aws_throttle_lease_too_long": (aws_throttle, (leased(7200),)),
    "aws_throttle_shared_plan": (aws_throttle, (value_with(keys=2),)),
    "aws_throttle_to_zero": (
        aws_throttle,
        (params_with(patchOperations=[{"op": "replace", "path": "/throttle/rateLimit", "value": "0"}]),),
    ),
    "aws_throttle_not_a_number": (
        aws_throttle,
        (params_with(patchOperations=[{"op": "replace", "path": "/throttle/rateLimit", "value": "5e3"}]),),
    ),
    "aws_throttle_other_path": (
        aws_throttle,
        (params_with(patchOperations=[{"op": "add", "path": "/apiStages", "value": "a:prod"}]),),
    ),
    "aws_throttle_raised": (aws_throttle, (value_with(throttle={"rateLimit": 2.0, "burstLimit": 4}),)),
    "aws_throttle_of_unthrottled_plan": (aws_throttle, (value_with(throttle=None),)),
    "aws_throttle_in_dev": (aws_throttle, (placed("dev"), document_with(incident=None))),
    "aws_throttle_suggested": (aws_throttle, (agent_with(groups=["read-only-agents"]),)),
    "aws_capacity": (aws_capacity, ()),
    "aws_capacity_above_maximum": (aws_capacity, (params_with(DesiredCapacity=50),)),
    "aws_capacity_zero": (
        aws_capacity,
        (params_with(DesiredCapacity=0), value_with(settings={"MinSize": 0, "MaxSize": 10})),
    ),
    "aws_more_storage": (aws_database, ()),
    "aws_less_storage": (aws_database, (params_with(AllocatedStorage=50),)),
    "aws_database_public": (aws_database, (params_with(PubliclyAccessible=True),)),
    "aws_database_password": (aws_database, (params_with(MasterUserPassword="secretref:1"),)),
    "aws_database_unprotected": (aws_database, (params_with(DeletionProtection=False),)),
    "aws_delete_database": (
        aws_database,
        (
            step_with(operation="rds.DeleteDBInstance", effect=["destructive", "write"]),
            step_with(params={"DBInstanceIdentifier": "orders", "SkipFinalSnapshot": True}),
        ),
    ),
    "aws_delete_database_with_snapshot": (
        aws_database,
        (
            step_with(undo={"class": "none"}),
            step_with(operation="rds.DeleteDBInstance", effect=["destructive", "write"]),
            step_with(params={"DBInstanceIdentifier": "orders", "FinalDBSnapshotIdentifier": "orders-last"}),
        ),
    ),
    "aws_reboot_database": (aws_database, (step_with(operation="rds.RebootDBInstance", params={}),)),
    "aws_ingress_host": (aws_ingress, ()),
    "aws_ingress_world": (aws_ingress, (cidrs("192.0.2.7/32", "0.0.0.0/0"),)),
    "aws_ingress_half_the_world": (aws_ingress, (cidrs("0.0.0.0/1", "128.0.0.0/1"),)),
    "aws_ingress_ipv6_world": (aws_ingress, (params_with(IpPermissions=[{"Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]),)),
    # postgres
    "pg_terminate": (pg_terminate, ()),
    "pg_terminate_in_staging": (pg_terminate, (placed("staging", "medium"),)),
    "pg_terminate_walsender": (pg_terminate, (value_with(backend_type="walsender", user="replicator"),)),
    "pg_terminate_of_postgres": (pg_terminate, (value_with(user="postgres"),)),
    "pg_terminate_suggested": (pg_terminate, (agent_with(groups=["read-only-agents"]),)),
    "pg_limit": (pg_limit, ()),
    "pg_limit_for_good": (pg_limit, (leased(None),)),
    "pg_limit_too_low": (pg_limit, (params_with(limit=0),)),
    "pg_limit_of_superuser": (pg_limit, (value_with(superuser=True),)),
    "pg_limit_of_postgres": (pg_limit, (target_with(id="pg:orders/role/postgres", names=["postgres"]),)),
    # process
    "process_restart_in_staging": (process_restart, ()),
    "process_restart": (process_restart, (placed("prod", "high"),)),
    "process_unlisted": (process_restart, (step_with(operation="rm.file", effect=["destructive", "write"]),)),
    # incident
    "no_incident": (aws_throttle, (document_with(incident=None),)),
    "incident_by_agent": (aws_throttle, (lambda d, _: d["incident"].update(source="agent"),)),
    "evidence_missing": (aws_throttle, (lambda d, _: d["incident"].update(reads=[]),)),
    "evidence_old": (aws_throttle, (lambda d, _: d["incident"]["reads"][0].update(at_ms=NOW_MS - 3_600_000),)),
    "evidence_failed": (aws_throttle, (lambda d, _: d["incident"]["reads"][0].update(outcome="failed"),)),
    "alert_old": (aws_throttle, (lambda d, _: d["incident"].update(alert_ms=NOW_MS - 100_000_000),)),
    # tiers
    "model_small": (aws_throttle, (agent_with(model_tier="small"),)),
    "effect_without_tier": (aws_throttle, (step_with(effect=["write", "session"]),)),
    "effect_unknown": (aws_throttle, (step_with(effect=["unknown"]),)),
    "effect_none": (aws_throttle, (step_with(effect=[]),)),
    "two_groups": (pg_limit, (agent_with(groups=["read-only-agents", "sre-agents"]),)),
    # blast radius
    "blast_all": (k8s_scale, (target_with(fanout="all"),)),
    "blast_selector": (k8s_scale, (target_with(fanout="selector", selector="app=web"),)),
    "blast_selector_uncounted": (
        k8s_scale,
        (target_with(fanout="selector", selector="app=web"), step_with(preflight={"status": "ok"})),
    ),
    "blast_many": (pg_terminate, (target_with(fanout="listed", names=[str(n) for n in range(5)]),)),
    "blast_too_many": (pg_terminate, (target_with(fanout="listed", names=[str(n) for n in range(30)]),)),
    # observation
    "facts_unknown": (aws_throttle, (lambda _, s: s["facts"][0].update(status="unknown"),)),
    "preflight_failed": (aws_throttle, (step_with(preflight={"status": "failed", "code": "INVALID"}),)),
    "preflight_missing": (aws_throttle, (without("preflight"),)),
    # freeze (config/freeze: 12 to 19 December restricted, then frozen to 4 January)
    "freeze": (aws_throttle, (moved_to(1_798_000_000_000),)),
    "freeze_read": (read, (document_with(now_ms=1_798_000_000_000),)),
    "freeze_over": (aws_throttle, (moved_to(1_799_049_600_000),)),
    "restricted": (aws_throttle, (moved_to(1_797_300_000_000),)),
    # rate
    "rate_high": (aws_throttle, (history_with("agent", applied=10),)),
    "rate_exceeded": (aws_throttle, (history_with("agent", applied=40),)),
    "agent_undone": (aws_throttle, (history_with("agent", undone=3),)),
    "target_changed_often": (aws_throttle, (history_with("target", applied=3),)),
    "target_undone_once": (aws_throttle, (history_with("target", undone=1),)),
    "target_flapping": (aws_throttle, (history_with("target", undone=3),)),
    "history_unknown": (aws_throttle, (without("history"),)),
    # undo
    "undo_none": (aws_throttle, (step_with(undo={"class": "none"}),)),
}


def cases() -> Iterator[tuple[str, Json]]:
    """Yield (name, policy input) of every sample."""
    for name, (base, changes) in (CASES | KUBERNETES | STANDING).items():
        document = base()
        for change in changes:
            change(document, document["steps"][0])
        yield name, document
    plan = pg_limit()
    looked = read()["steps"][0]
    plan["steps"] = [looked, plan["steps"][0] | {"i": 1}]
    plan["plan"] |= {"count": 2, "targets": 2}
    yield "plan_of_a_read_and_a_write", plan
