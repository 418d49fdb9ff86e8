"""AWS operations against a real HTTP server of the API."""

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.adapters.clock import SystemClock
from gateway.executor import deadline
from gateway.executor.targets.aws import AwsTarget
from tests.executor.steps import aws_call, throttle, unheard
from tests.fixtures_aws import Aws

pytestmark = pytest.mark.anyio
LIMIT = 65_536


@pytest.fixture
def target(aws: Aws) -> Iterator[AwsTarget]:
    made = AwsTarget(aws.scope(), SystemClock(), LIMIT)
    yield made
    made._account.close()


@pytest.fixture
def database(aws: Aws) -> Iterator[str]:
    client = aws.client("rds")
    client.create_db_instance(
        DBInstanceIdentifier="orders", DBInstanceClass="db.t3.medium", Engine="postgres", AllocatedStorage=20,
        MasterUsername="u", MasterUserPassword="password1",
    )  # fmt: skip
    yield "orders"
    client.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)


def usage_plan(aws: Aws, keys: int = 1, **limits: float) -> str:
    client = aws.client("apigateway")
    made = {"throttle": limits} if limits else {}
    plan: str = client.create_usage_plan(name="shop", **made)["id"]
    for n in range(keys):
        key = client.create_api_key(name=f"key-{n}")["id"]
        client.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    return plan


def throttle_of(aws: Aws, plan: str) -> Any:
    return aws.client("apigateway").get_usage_plan(usagePlanId=plan).get("throttle")


async def test_a_read_returns_json_without_transport_noise(target: AwsTarget, database: str) -> None:
    step = aws_call("rds.DescribeDBInstances", {"DBInstanceIdentifier": database})
    applied = await target.apply(step, {}, unheard)
    answer = json.loads(applied.output)
    assert applied.status == "applied"
    assert set(answer) == {"DBInstances"}
    assert answer["DBInstances"][0]["InstanceCreateTime"].startswith("20")
    assert (await target.observe(step)).undo_class == "not_needed"


@pytest.mark.usefixtures("database")
async def test_output_over_the_limit_is_cut_and_marked(aws: Aws) -> None:
    small = AwsTarget(aws.scope(), SystemClock(), 64)
    applied = await small.apply(aws_call("rds.DescribeDBInstances", {}), {}, unheard)
    await small.close()
    assert (applied.status, applied.truncated, len(applied.output)) == ("applied", True, 64)


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("rds.DescribeDBInstances", {"DBInstanceIdentifier": "absent"}, "AWS_REFUSED"),
        ("rds.DescribeDBInstances", {"Nonsense": "1"}, "PARAMS_INVALID"),
        ("rds.ModifyEverything", {}, "OPERATION_UNKNOWN"),
        ("rds.can_paginate", {}, "OPERATION_UNKNOWN"),
        ("nosuchservice.DoIt", {}, "OPERATION_UNKNOWN"),
    ],
)
async def test_what_the_service_refuses_is_known_not_to_have_happened(
    target: AwsTarget, operation: str, params: dict[str, str], code: str
) -> None:
    applied = await target.apply(aws_call(operation, params), {}, unheard)
    assert (applied.status, applied.code) == ("not_applied", code)


async def test_a_region_that_is_not_configured_is_refused(target: AwsTarget) -> None:
    step = aws_call("rds.DescribeDBInstances", {})
    elsewhere = replace(step, target=replace(step.target, region="us-east-1"))
    applied = await target.apply(elsewhere, {}, unheard)
    assert (applied.status, applied.code) == ("not_applied", "REGION_UNKNOWN")


async def test_credentials_of_another_account_touch_nothing(aws: Aws) -> None:
    wrong = AwsTarget(aws.scope(account="999999999999"), SystemClock(), LIMIT)
    applied = await wrong.apply(aws_call("rds.DescribeDBInstances", {}), {}, unheard)
    await wrong.close()
    assert (applied.status, applied.code) == ("not_applied", "ACCOUNT_MISMATCH")


async def test_nothing_comes_from_the_environment(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = tmp_path_factory.mktemp("aws") / "config"
    config.write_text("[default]\nendpoint_url = http://127.0.0.1:1\nregion = us-east-1\n")
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_RDS": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1", "AWS_PROFILE": "absent", "AWS_CONFIG_FILE": str(config),
        "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "leaked",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    target = AwsTarget(aws.scope(), SystemClock(), LIMIT)
    applied = await target.apply(aws_call("rds.DescribeDBInstances", {}), {}, unheard)
    await target.close()
    assert applied.status == "applied"


async def test_an_unreachable_endpoint_is_known_not_to_have_acted() -> None:
    target = AwsTarget(Aws("http://127.0.0.1:1").scope(account=""), SystemClock(), LIMIT)
    applied = await target.apply(aws_call("rds.DeleteDBInstance", {"DBInstanceIdentifier": "x"}), {}, unheard)
    await target.close()
    assert (applied.status, applied.code) == ("not_applied", "TARGET_UNREACHABLE")


async def test_an_answer_that_does_not_come_leaves_a_call_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        scope = replace(Aws(f"http://127.0.0.1:{silent.getsockname()[1]}").scope(account=""), read_timeout_s=1)
        target = AwsTarget(scope, SystemClock(), LIMIT)
        applied = await target.apply(aws_call("rds.DeleteDBInstance", {"DBInstanceIdentifier": "x"}), {}, unheard)
        await target.close()
    assert (applied.status, applied.code) == ("unknown", "TARGET_TIMEOUT")


async def test_a_call_that_could_outlive_the_deadline_is_not_begun(target: AwsTarget, database: str) -> None:
    step = aws_call("rds.DeleteDBInstance", {"DBInstanceIdentifier": database, "SkipFinalSnapshot": True})
    with deadline.within(5):
        applied = await target.apply(step, {}, unheard)
    assert (applied.status, applied.code) == ("not_applied", "DEADLINE_TOO_NEAR")


async def test_a_throttle_that_was_there_comes_back(aws: Aws, target: AwsTarget) -> None:
    plan = usage_plan(aws, rateLimit=10, burstLimit=5)
    step = throttle(plan, rateLimit="2", burstLimit="1")
    observed = await target.observe(step)
    assert observed.undo_class == "compensating"
    assert observed.facts[0]["value"] | {"key_ids": []} == {
        "exists": True, "name": "shop", "throttle": {"rateLimit": 10, "burstLimit": 5}, "keys": 1, "key_ids": [],
    }  # fmt: skip
    assert (await target.apply(step, observed.snapshot, unheard)).after == {
        "/throttle/rateLimit": 2.0, "/throttle/burstLimit": 1,
    }  # fmt: skip
    assert (await target.undo(step, observed.snapshot)).status == "undone"
    assert throttle_of(aws, plan) == {"rateLimit": 10, "burstLimit": 5}


async def test_a_plan_without_a_throttle_has_none_again(aws: Aws, target: AwsTarget) -> None:
    plan = usage_plan(aws)
    step = throttle(plan, rateLimit="2", burstLimit="1")
    observed = await target.observe(step)
    assert observed.facts[0]["value"]["throttle"] is None
    assert observed.undo_class == "compensating"
    assert (await target.apply(step, observed.snapshot, unheard)).status == "applied"
    assert (await target.undo(step, observed.snapshot)).status == "undone"
    assert throttle_of(aws, plan) is None


async def test_removing_a_throttle_never_takes_the_half_that_another_set(aws: Aws, target: AwsTarget) -> None:
    plan = usage_plan(aws)
    step = throttle(plan, rateLimit="2")
    snapshot = (await target.observe(step)).snapshot
    await target.apply(step, snapshot, unheard)
    theirs = [{"op": "replace", "path": "/throttle/burstLimit", "value": "9"}]
    aws.client("apigateway").update_usage_plan(usagePlanId=plan, patchOperations=theirs)
    undone = await target.undo(step, snapshot)
    assert (undone.status, undone.code) == ("conflict", "NOT_RESTORABLE")
    assert throttle_of(aws, plan) == {"rateLimit": 2.0, "burstLimit": 9}


async def test_a_plan_that_two_keys_share_says_so(aws: Aws, target: AwsTarget) -> None:
    observed = await target.observe(throttle(usage_plan(aws, keys=2, rateLimit=1, burstLimit=1), rateLimit="2"))
    assert observed.facts[0]["value"]["keys"] == 2


async def test_a_plan_that_is_not_there_is_a_fact(target: AwsTarget) -> None:
    observed = await target.observe(throttle("absent", rateLimit="2"))
    assert observed.facts[0]["value"] == {"exists": False}
    assert observed.preflight["code"] == "TARGET_NOT_FOUND"


async def test_a_patch_that_cannot_be_restored_has_no_undo(aws: Aws, target: AwsTarget) -> None:
    plan = usage_plan(aws)
    patches = [{"op": "replace", "path": "/name", "value": "other"}]
    step = aws_call("apigateway.UpdateUsagePlan", {"usagePlanId": plan, "patchOperations": patches})
    observed = await target.observe(step)
    assert (observed.undo_class, observed.snapshot) == ("none", {})
    assert (await target.apply(step, observed.snapshot, unheard)).status == "applied"
    assert (await target.undo(step, observed.snapshot)).status == "impossible"
    assert (await target.probe(step, observed.snapshot)).status == "unknown"


async def test_an_instance_gets_its_class_and_settings_back(target: AwsTarget, database: str) -> None:
    params = {
        "DBInstanceIdentifier": database, "DBInstanceClass": "db.r6g.large", "MultiAZ": True,
        "DeletionProtection": True, "ApplyImmediately": True,
    }  # fmt: skip
    step = aws_call("rds.ModifyDBInstance", params)
    observed = await target.observe(step)
    assert observed.facts[0]["value"]["settings"]["DBInstanceClass"] == "db.t3.medium"
    assert observed.undo_class == "compensating"
    assert [c["path"] for c in observed.preflight["changes"]] == ["/DBInstanceClass", "/MultiAZ", "/DeletionProtection"]
    assert (await target.apply(step, observed.snapshot, unheard)).status == "applied"
    undone = await target.undo(step, observed.snapshot)
    assert undone.status == "undone"
    assert undone.read_back == {"/DBInstanceClass": "db.t3.medium", "/MultiAZ": False, "/DeletionProtection": False}


@pytest.mark.parametrize(
    "params", [{"AllocatedStorage": 40}, {"EngineVersion": "16.1"}, {"MasterUserPassword": "secretsecret"}]
)
async def test_settings_without_a_way_back_have_no_undo(
    target: AwsTarget, database: str, params: dict[str, object]
) -> None:
    both = {"DBInstanceIdentifier": database, "DBInstanceClass": "db.r6g.large", **params}
    observed = await target.observe(aws_call("rds.ModifyDBInstance", both))
    assert observed.undo_class == "none"
    assert "secretsecret" not in repr(observed)


async def test_a_change_without_an_observation_is_not_made(target: AwsTarget, database: str) -> None:
    step = aws_call("rds.ModifyDBInstance", {"DBInstanceIdentifier": database, "DBInstanceClass": "db.r6g.large"})
    applied = await target.apply(step, {}, unheard)
    assert (applied.status, applied.code) == ("not_applied", "SNAPSHOT_MISSING")


async def test_other_writes_are_looked_at_where_that_is_possible(target: AwsTarget, database: str) -> None:
    delete = {"SkipFinalSnapshot": True}
    there = await target.observe(aws_call("rds.DeleteDBInstance", {"DBInstanceIdentifier": database, **delete}))
    gone = await target.observe(aws_call("rds.DeleteDBInstance", {"DBInstanceIdentifier": "absent", **delete}))
    blind = await target.observe(aws_call("sns.Publish", {"TopicArn": "arn", "Message": "hi"}))
    assert there.facts[0]["value"]["settings"]["DBInstanceClass"] == "db.t3.medium"
    assert gone.facts[0]["value"] == {"exists": False}
    assert (blind.facts[0]["status"], blind.facts[0]["code"]) == ("unknown", "NO_DESCRIBE")
    assert {there.undo_class, gone.undo_class, blind.undo_class} == {"none"}


async def test_values_that_are_pending_leave_no_promise_about_the_way_back() -> None:
    from gateway.executor.targets.aws_rds import DbInstanceSettings

    instance = {"DBInstanceClass": "db.t3.medium", "PendingModifiedValues": {"DBInstanceClass": "db.r6g.large"}}
    found = DbInstanceSettings().seen(({"DBInstances": [instance]},))
    assert found is not None
    assert found.busy == "PENDING_CHANGES"
    assert found.fields["/DBInstanceClass"] == "db.r6g.large"


async def test_a_query_selects_and_is_not_sent_to_the_api(target: AwsTarget, database: str) -> None:
    params = {"DBInstanceIdentifier": database, "$client": {"query": "DBInstances[].DBInstanceIdentifier"}}
    applied = await target.apply(aws_call("rds.DescribeDBInstances", params), {}, unheard)
    assert applied.output == b'["orders"]'


async def test_pages_are_put_together_unless_the_step_asks_for_one(aws: Aws, target: AwsTarget) -> None:
    ssm = aws.client("ssm")
    for number in range(25):
        ssm.put_parameter(Name=f"/paged/{number:02}", Value="x", Type="String")

    async def names(**client: object) -> tuple[int, bool]:
        params = {"Path": "/paged", "$client": client} if client else {"Path": "/paged"}
        answer = json.loads((await target.apply(aws_call("ssm.GetParametersByPath", params), {}, unheard)).output)
        return len(answer["Parameters"]), "NextToken" in answer

    assert await names() == (25, False)
    assert await names(page_size=3) == (25, False)
    assert await names(max_items=7) == (7, True)
    assert await names(paginate=False) == (10, True)
    by_hand = aws_call("ssm.GetParametersByPath", {"Path": "/paged", "MaxResults": 4})
    assert len(json.loads((await target.apply(by_hand, {}, unheard)).output)["Parameters"]) == 4


async def test_blobs_and_long_integers_travel_as_text(aws: Aws, target: AwsTarget) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    params = {"KeyId": key, "Plaintext": base64.b64encode(b"\x00secret").decode()}
    answer = json.loads((await target.apply(aws_call("kms.Encrypt", params), {}, unheard)).output)
    sealed = base64.b64decode(answer["CiphertextBlob"])
    assert aws.client("kms").decrypt(CiphertextBlob=sealed)["Plaintext"] == b"\x00secret"
    broken = await target.apply(aws_call("kms.Encrypt", {"KeyId": key, "Plaintext": "not base64!"}), {}, unheard)
    assert (broken.status, broken.code) == ("not_applied", "PARAMS_INVALID")


async def test_the_way_back_does_not_mind_how_the_answer_is_read(target: AwsTarget, database: str) -> None:
    change = {"DBInstanceIdentifier": database, "DBInstanceClass": "db.r6g.large"}
    step = aws_call("rds.ModifyDBInstance", change | {"$client": {"query": "DBInstance.DBInstanceClass"}})
    observed = await target.observe(step)
    assert observed.undo_class == "compensating"
    assert (await target.apply(step, observed.snapshot, unheard)).output == b'"db.r6g.large"'
    assert (await target.undo(step, observed.snapshot)).status == "undone"
