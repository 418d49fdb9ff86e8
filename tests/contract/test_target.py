"""One suite for every target that can take a change back, run against the real thing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

from gateway.adapters.clock import SystemClock
from gateway.core.canonical import Json, canonical, loads_strict
from gateway.core.snapshot import inherit, restored_by
from gateway.core.step import Step
from gateway.executor.config import PostgresScope
from gateway.executor.secret import Secret
from gateway.executor.targets.aws import AwsTarget
from gateway.executor.targets.kubernetes.target import KubernetesTarget
from gateway.executor.targets.postgres import PostgresTarget
from gateway.ports_target import Target
from tests.executor.kubernetes.lab import executor_scope
from tests.executor.steps import aws_call, role_limit, throttle, unheard
from tests.fakes.target import MemoryTarget, set_field
from tests.fixtures_aws import Aws
from tests.fixtures_catalog import step as parsed
from tests.fixtures_k8s import Cluster
from tests.fixtures_pg import Postgres

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Rig:
    """A target, a step on it, and the hands of somebody else."""

    target: Target
    step: Step
    ours: Callable[[], object]
    """The fields that the step changes, as they are now."""
    wanted: object
    """What the step makes of them."""
    edit_ours: Callable[[], object]
    """Another person changes the same fields."""
    edit_others: Callable[[], object]
    """Another person changes other fields of the same object."""
    others: Callable[[], object]


@contextmanager
def in_memory(postgres: Postgres, aws: Aws) -> Iterator[Rig]:  # noqa: ARG001  # all rigs are built alike
    target = MemoryTarget({"size": 1, "other": "a"})
    yield Rig(
        target=target,
        step=set_field("size", 2),
        ours=lambda: target.fields["size"],
        wanted=2,
        edit_ours=lambda: target.fields.update(size=9),
        edit_others=lambda: target.fields.update(other="b"),
        others=lambda: target.fields["other"],
    )


@contextmanager
def postgres_role(postgres: Postgres, aws: Aws) -> Iterator[Rig]:  # noqa: ARG001  # see above
    postgres.run("CREATE ROLE shop LOGIN CONNECTION LIMIT 20")
    scope = PostgresScope(Secret(postgres.dsn))

    def field(name: str) -> Callable[[], object]:
        return lambda: postgres.run(f"SELECT {name} FROM pg_roles WHERE rolname = 'shop'")[0][0]

    try:
        yield Rig(
            target=PostgresTarget(scope, SystemClock(), 4_096),
            step=role_limit("shop", 5),
            ours=field("rolconnlimit"),
            wanted=5,
            edit_ours=lambda: postgres.run("ALTER ROLE shop CONNECTION LIMIT 9"),
            edit_others=lambda: postgres.run("ALTER ROLE shop CREATEDB"),
            others=field("rolcreatedb"),
        )
    finally:
        postgres.run("DROP ROLE shop")


def usage_plan(aws: Aws, limits: Mapping[str, float], step_limits: Mapping[str, str], keys: int) -> Rig:
    client = aws.client("apigateway")
    made = {"throttle": dict(limits)} if limits else {}
    plan = client.create_usage_plan(name="shop", **made)["id"]
    for number in range(keys):
        key = client.create_api_key(name=f"key-{number}")["id"]
        client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")

    def edit(path: str, value: str) -> Callable[[], object]:
        patch = {"op": "replace", "path": path, "value": value}
        return lambda: client.update_usage_plan(usagePlanId=plan, patchOperations=[patch])

    def read() -> Mapping[str, Json]:
        found: Mapping[str, Json] = client.get_usage_plan(usagePlanId=plan)
        return found

    def ours() -> object:
        throttled = read().get("throttle")
        return throttled and {name: throttled.get(name) for name in step_limits}

    return Rig(
        target=AwsTarget(aws.scope(), SystemClock(), 4_096),
        step=throttle(plan, **step_limits),
        ours=ours,
        wanted={name: float(value) for name, value in step_limits.items()},
        edit_ours=edit("/throttle/rateLimit", "77"),
        edit_others=edit("/description", "theirs"),
        others=lambda: read().get("description"),
    )


@contextmanager
def plan_with_a_throttle(postgres: Postgres, aws: Aws) -> Iterator[Rig]:  # noqa: ARG001  # see above
    yield usage_plan(aws, {"rateLimit": 10, "burstLimit": 20}, {"rateLimit": "2", "burstLimit": "4"}, keys=1)


@contextmanager
def plan_without_a_throttle(postgres: Postgres, aws: Aws) -> Iterator[Rig]:  # noqa: ARG001  # see above
    yield usage_plan(aws, {}, {"rateLimit": "2", "burstLimit": "4"}, keys=1)


@contextmanager
def plan_shared_by_two_keys(postgres: Postgres, aws: Aws) -> Iterator[Rig]:  # noqa: ARG001  # see above
    yield usage_plan(aws, {"rateLimit": 10, "burstLimit": 20}, {"rateLimit": "2"}, keys=2)


@contextmanager
def db_instance(postgres: Postgres, aws: Aws) -> Iterator[Rig]:  # noqa: ARG001  # see above
    client, name = aws.client("rds"), {"DBInstanceIdentifier": "contract"}
    client.create_db_instance(
        **name, DBInstanceClass="db.t3.medium", Engine="postgres", AllocatedStorage=20, MasterUsername="u",
        MasterUserPassword="password1",
    )  # fmt: skip

    def field(member: str) -> Callable[[], object]:
        return lambda: client.describe_db_instances(**name)["DBInstances"][0][member]

    change = {"DBInstanceClass": "db.r6g.large", "ApplyImmediately": True}
    try:
        yield Rig(
            target=AwsTarget(aws.scope(), SystemClock(), 4_096),
            step=aws_call("rds.ModifyDBInstance", name | change),
            ours=field("DBInstanceClass"),
            wanted="db.r6g.large",
            edit_ours=lambda: client.modify_db_instance(**name, DBInstanceClass="db.m6g.large"),
            edit_others=lambda: client.modify_db_instance(**name, BackupRetentionPeriod=9),
            others=field("BackupRetentionPeriod"),
        )
    finally:
        client.delete_db_instance(**name, SkipFinalSnapshot=True)


Build = Callable[[Postgres, Aws], AbstractContextManager[Rig]]
RIGS: tuple[Build, ...] = (
    in_memory, postgres_role, plan_with_a_throttle, plan_without_a_throttle, plan_shared_by_two_keys, db_instance,
)  # fmt: skip


def deployment(request: pytest.FixtureRequest) -> Rig:
    cluster: Cluster = request.getfixturevalue("cluster")
    namespace: str = request.getfixturevalue("namespace")
    scope = executor_scope(cluster, request.getfixturevalue("tmp_path"))
    cluster.deployment(namespace, "web", replicas=2)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"

    def edit(spec: Mapping[str, Json]) -> Callable[[], object]:
        return lambda: cluster.human.patch(path, {"spec": dict(spec)})

    return Rig(
        target=KubernetesTarget(scope, SystemClock(), 4_096),
        step=parsed(f"kubectl -n {namespace} scale deployment/web --replicas=3").step,
        ours=lambda: cluster.admin.get(path)["spec"]["replicas"],
        wanted=3,
        edit_ours=edit({"replicas": 1}),
        edit_others=edit({"minReadySeconds": 7}),
        others=lambda: cluster.admin.get(path)["spec"].get("minReadySeconds"),
    )


CLUSTER = pytest.param(deployment, marks=pytest.mark.cluster)


@pytest.fixture(params=[*RIGS, CLUSTER], ids=lambda build: build.__name__)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param is deployment:
        yield deployment(request)
        return
    build: Build = request.param
    with build(request.getfixturevalue("postgres"), request.getfixturevalue("aws")) as made:
        yield made


async def observed(rig: Rig) -> Mapping[str, Json]:
    """Observe, and return the snapshot as it comes back from the gateway: through canonical JSON."""
    found = await rig.target.observe(rig.step)
    snapshot: Mapping[str, Json] = loads_strict(canonical(found.snapshot))
    return snapshot


async def applied(rig: Rig) -> Mapping[str, Json]:
    snapshot = await observed(rig)
    assert (await rig.target.apply(rig.step, snapshot, unheard)).status == "applied"
    return snapshot


async def test_observing_changes_nothing_and_promises_a_way_back(rig: Rig) -> None:
    before = (rig.ours(), rig.others())
    found = await rig.target.observe(rig.step)
    assert (rig.ours(), rig.others()) == before
    assert found.undo_class in {"exact", "compensating"}
    assert found.preflight["status"] == "ok"
    assert found.preflight["changes"]
    assert [f["status"] for f in found.facts] == ["known"]
    assert found.facts[0]["target"] == rig.step.target.id


async def test_two_observations_of_one_state_have_one_snapshot(rig: Rig) -> None:
    assert canonical(await observed(rig)) == canonical(await observed(rig))


async def test_what_was_applied_is_probed_as_applied(rig: Rig) -> None:
    snapshot = await observed(rig)
    assert (await rig.target.probe(rig.step, snapshot)).status == "not_applied"
    outcome = await rig.target.apply(rig.step, snapshot, unheard)
    assert (outcome.status, rig.ours()) == ("applied", rig.wanted)
    assert outcome.after
    assert (await rig.target.probe(rig.step, snapshot)).status == "applied"
    assert rig.ours() == rig.wanted


async def test_undo_restores_and_reads_back_what_was_there(rig: Rig) -> None:
    before = rig.ours()
    snapshot = await applied(rig)
    undone = await rig.target.undo(rig.step, snapshot)
    assert (undone.status, rig.ours()) == ("undone", before)
    assert undone.read_back
    assert (await rig.target.probe(rig.step, snapshot)).status == "not_applied"


async def test_undoing_again_or_what_never_ran_is_harmless(rig: Rig) -> None:
    before = rig.ours()
    snapshot = await observed(rig)
    assert (await rig.target.undo(rig.step, snapshot)).status == "undone"
    await rig.target.apply(rig.step, snapshot, unheard)
    assert [(await rig.target.undo(rig.step, snapshot)).status for _ in range(2)] == ["undone", "undone"]
    assert rig.ours() == before


async def test_a_target_that_moved_since_it_was_observed_is_left_alone(rig: Rig) -> None:
    snapshot = await observed(rig)
    rig.edit_ours()
    theirs = rig.ours()
    outcome = await rig.target.apply(rig.step, snapshot, unheard)
    assert (outcome.status, rig.ours()) == ("not_applied", theirs)
    assert outcome.code in {"STATE_CHANGED", "PRECONDITION_MOVED"}


async def test_an_edit_of_our_fields_wins_over_the_undo(rig: Rig) -> None:
    snapshot = await applied(rig)
    rig.edit_ours()
    theirs = rig.ours()
    undone = await rig.target.undo(rig.step, snapshot)
    assert (undone.status, undone.code, rig.ours()) == ("conflict", "STATE_CHANGED", theirs)
    assert (await rig.target.probe(rig.step, snapshot)).status == "unknown"


async def test_an_edit_of_other_fields_is_left_alone(rig: Rig) -> None:
    before = rig.ours()
    snapshot = await applied(rig)
    rig.edit_others()
    theirs = rig.others()
    undone = await rig.target.undo(rig.step, snapshot)
    assert (undone.status, rig.ours(), rig.others()) == ("undone", before, theirs)


async def test_a_probe_tells_what_is_at_the_fields_by_the_paths_of_snapshot_and_preflight(rig: Rig) -> None:
    found = await rig.target.observe(rig.step)
    snapshot = await applied(rig)
    ours = {str(c["path"]).lstrip("/"): c.get("to") for c in found.preflight["changes"]}
    fields = {path.lstrip("/") for path in restored_by(snapshot)}
    told = (await rig.target.probe(rig.step, snapshot)).after
    assert told is not None
    assert fields == {path.lstrip("/") for path in told} == ours.keys()
    assert {path.lstrip("/"): value for path, value in told.items()} == ours
    rig.edit_ours()
    edited = (await rig.target.probe(rig.step, snapshot)).after
    assert edited is not None
    assert edited.keys() == told.keys()
    assert edited != told


async def test_a_way_back_that_was_taken_over_ends_before_the_lease(rig: Rig) -> None:
    rig.edit_ours()  # the lease, as far as this target is concerned
    leased = await observed(rig)
    assert (await rig.target.undo(rig.step, leased)).status == "undone"
    earlier = {path: value + 1 for path, value in restored_by(leased).items() if isinstance(value, int | float)}
    if len(earlier) != len(restored_by(leased)):
        return  # a field without a number to make another of
    before: Mapping[str, Json] = {**leased, "fields": earlier} if "fields" in leased else {**leased, **earlier}
    if "objects" in leased:  # Kubernetes: each object has its own fields
        [entry] = leased["objects"]
        before = {**before, "objects": [{**entry, "change": {**entry["change"], "before": earlier}}]}
    way = inherit(leased, before)
    assert way is not None
    assert (await rig.target.apply(rig.step, leased, unheard)).status == "applied"
    undone = await rig.target.undo(rig.step, way)
    assert undone.status == "undone"
    back = restored_by(await observed(rig))
    assert {path: back[path] for path in earlier} == earlier
