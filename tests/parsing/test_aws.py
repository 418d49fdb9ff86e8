"""AWS commands and typed steps: what is understood, what it means, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.effect import Effect, Undo
from gateway.parsing.codes_aws import CODES
from gateway.parsing.result import ParsedStep, Refusal
from gateway.parsing.tools import aws
from gateway.parsing.words import Word
from tests.fixtures_catalog import as_typed, catalog, lines, refusal, rows, step, typed, typed_refusal


def test_a_described_database_is_a_read_of_exactly_that_database() -> None:
    parsed = step("aws rds describe-db-instances --db-instance-identifier orders")
    assert parsed.step.operation == "rds.DescribeDBInstances"
    assert parsed.step.target.id == "aws:acme/eu-west-1/rds.DBInstance/orders"
    assert parsed.effects == {Effect.READ}
    assert parsed.undo is Undo.NOT_NEEDED


def test_a_read_and_a_change_of_one_resource_have_the_same_target_id() -> None:
    read = step("aws apigateway get-usage-plan --usage-plan-id p1")
    change = step(
        "aws apigateway update-usage-plan --usage-plan-id p1 "
        "--patch-operations op=replace,path=/throttle/rateLimit,value=5"
    )
    assert read.step.target.id == change.step.target.id == "aws:acme/eu-west-1/apigateway.UsagePlan/p1"
    assert change.effects == {Effect.WRITE}
    assert change.undo is Undo.COMPENSATING
    assert change.step.to_json()["params"]["patchOperations"] == [
        {"op": "replace", "path": "/throttle/rateLimit", "value": "5"}
    ]


@pytest.mark.parametrize(
    ("command", "fanout", "names"),
    [
        ("aws ec2 terminate-instances --instance-ids i-1", "one", ("i-1",)),
        ("aws ec2 terminate-instances --instance-ids i-1 i-2", "listed", ("i-1", "i-2")),
        ("aws ec2 describe-instances --filters Name=vpc-id,Values=vpc-1", "selector", ()),
        ("aws ec2 describe-instances", "all", ()),
        ("aws ecs update-service --cluster prod --service web --desired-count 3", "one", ("prod/web",)),
        ("aws s3api delete-object --bucket acme-logs --key a/b", "one", ("acme-logs/a/b",)),
        ("aws lambda get-policy --function-name arn:aws:lambda:eu-west-1:1:function:checkout", "one", ("checkout",)),
    ],
)
def test_the_target_says_how_wide_a_step_is(command: str, fanout: str, names: tuple[str, ...]) -> None:
    target = step(command).step.target
    assert (target.fanout, target.names) == (fanout, names)


@pytest.mark.parametrize(
    ("change", "read"),
    [
        (
            "lambda update-alias --function-name f --name live --function-version 4",
            "lambda get-alias --function-name f --name live",
        ),
        (
            "autoscaling terminate-instance-in-auto-scaling-group --instance-id i --should-decrement-desired-capacity",
            "autoscaling describe-auto-scaling-instances --instance-ids i",
        ),
        ("ecs update-service --cluster prod --service web", "ecs describe-services --cluster prod --services web"),
        (
            "elbv2 register-targets --target-group-arn arn:x --targets Id=i-1",
            "elbv2 describe-target-health --target-group-arn arn:x",
        ),
    ],
)
def test_a_change_and_the_read_that_is_its_evidence_name_the_same_target(change: str, read: str) -> None:
    assert step(f"aws {change}").step.target.id == step(f"aws {read}").step.target.id


def test_an_alias_is_one_of_its_function() -> None:
    assert step("aws lambda get-alias --function-name f --name live").step.target.id.endswith("/lambda.Alias/f/live")


@pytest.mark.parametrize(("effect", "command"), rows("aws_effects"))
def test_the_worst_effect_of_a_step_wins(effect: str, command: str) -> None:
    assert step(command).effect == effect


def test_a_bucket_policy_that_allows_everyone_is_seen_inside_its_json() -> None:
    policy = '{"Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":"s3:GetObject","Resource":"*"}]}'
    parsed = step(f"aws s3api put-bucket-policy --bucket acme-logs --policy '{policy}'")
    assert {Effect.PRIVILEGE, Effect.BOUNDARY} <= parsed.effects


@pytest.mark.parametrize(("code", "command"), rows("aws_refusals"))
def test_what_is_not_understood_is_refused_with_its_own_code(code: str, command: str) -> None:
    found = refusal(command)
    assert found.code == code
    assert code in CODES


def test_a_legitimate_url_is_accepted_where_the_member_is_a_url() -> None:
    parsed = step("aws sqs get-queue-attributes --queue-url https://sqs.eu-west-1.amazonaws.com/1/orders")
    assert parsed.step.params["QueueUrl"] == "https://sqs.eu-west-1.amazonaws.com/1/orders"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/123456789012/q", "https://sqs.eu-west-1.amazonaws.com.evil.com/123456789012/q",
        "https://sqs.us-east-1.amazonaws.com/123456789012/q", "https://sqs.eu-west-1.amazonaws.com/123456789012",
        "https://sqs.eu-west-1.amazonaws.com@evil.com/123456789012/q", "https://sqs.eu-west-1.amazonaws.com/1/../q",
        "https://evil.example?sqs.eu-west-1.amazonaws.com/123456789012/q",
    ],
)  # fmt: skip
def test_a_queue_of_another_place_is_refused_also_for_a_read(url: str) -> None:
    assert refusal(f"aws sqs list-queue-tags --queue-url '{url}'").code in {"AWS_QUEUE_URL", "AWS_PARAM_FILE"}


def test_the_look_of_an_answer_is_not_part_of_a_step_but_its_content_is() -> None:
    plain = step("aws rds describe-db-instances").step
    assert step("aws rds describe-db-instances --output table --no-cli-pager").step.digest == plain.digest
    assert step("aws rds describe-db-instances --region eu-west-1").step.digest == plain.digest
    queried = step("aws rds describe-db-instances --query 'DBInstances[].DBInstanceStatus' --max-items 3").step
    assert dict(queried.params["$client"]) == {"query": "DBInstances[].DBInstanceStatus", "max_items": 3}
    assert queried.digest != plain.digest


@pytest.mark.parametrize(("left", "right"), rows("aws_same", "||"))
def test_the_same_meaning_has_the_same_digest(left: str, right: str) -> None:
    assert step(left).step.digest == step(right).step.digest


def test_the_inverse_name_of_an_argument_sets_its_own_member() -> None:
    assert step("aws ec2 create-image --instance-id i-1 --name abc --no-reboot").step.params["NoReboot"] is True
    assert step("aws ec2 create-image --instance-id i-1 --name abc --reboot").step.params["NoReboot"] is False


def test_every_plain_read_of_the_corpus_is_a_read_in_text_and_in_typed_form() -> None:
    commands = lines("reads_aws")
    assert len(commands) >= 110
    for command in commands:
        parsed = step(command)
        assert parsed.effects == {Effect.READ}, (command, parsed.why)
        again = typed(as_typed(parsed))
        assert again.step.digest == parsed.step.digest, command
        assert again.effects == parsed.effects, command


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"operation": "rds.Nonsense"}, "AWS_OPERATION_UNKNOWN"),
        ({"operation": "nonsense.Describe"}, "AWS_SERVICE_UNKNOWN"),
        ({"operation": "lightsail.GetInstances"}, "AWS_SERVICE_NOT_ENABLED"),
        ({"params": {"DBInstanceIdentifier": 3}}, "AWS_VALUE"),
        ({"params": {"DBInstanceIdentifier": "x", "Nonsense": 1}}, "AWS_MEMBER_UNKNOWN"),
        ({"params": {"DBInstanceIdentifier": "x", "AllocatedStorage": "100"}}, "AWS_VALUE"),
        ({"params": {"DBInstanceIdentifier": "x", "ApplyImmediately": "true"}}, "AWS_VALUE"),
        ({"params": {"DBInstanceIdentifier": "x", "$client": {"shell": "x"}}}, "AWS_VALUE"),
        ({"params": {}}, "AWS_MEMBER_MISSING"),
        ({"target": {"scope": "acme", "namespace": "prod"}}, "AWS_TYPED"),
        ({"target": {"scope": "acme", "region": "mars-1"}}, "AWS_REGION_OUTSIDE"),
        ({"target": {"scope": "other"}}, "SCOPE_UNKNOWN"),
        ({"target": {"names": ["other"]}}, "TYPED_DISAGREES"),
        ({"api": {"service": "rds", "operation": "DeleteDBInstance", "iam": []}}, "TYPED_DISAGREES"),
    ],
)
def test_a_typed_step_is_held_to_the_shapes_and_to_what_is_derived(changes: dict[str, object], code: str) -> None:
    value: dict[str, object] = {
        "tool": "aws", "operation": "rds.ModifyDBInstance", "params": {"DBInstanceIdentifier": "x"},
    }  # fmt: skip
    typed(value)
    assert typed_refusal(value | changes).code == code


def test_a_typed_blob_is_base64_and_a_large_number_is_text() -> None:
    blob: dict[str, object] = {"tool": "aws", "operation": "kms.Decrypt", "params": {"CiphertextBlob": "aGVsbG8="}}
    assert typed(blob).step.params["CiphertextBlob"] == "aGVsbG8="
    assert typed_refusal(blob | {"params": {"CiphertextBlob": "not base64!"}}).code == "AWS_VALUE"
    events: dict[str, object] = {"tool": "aws", "operation": "logs.FilterLogEvents"}
    large = typed(events | {"params": {"logGroupName": "g", "startTime": "9223372036854775807"}})
    assert large.step.params["startTime"] == "9223372036854775807"
    assert typed_refusal(events | {"params": {"logGroupName": "g", "startTime": "5"}}).code == "AWS_VALUE"


WORDS = (
    "aws",
    "rds",
    "ec2",
    "s3",
    "s3api",
    "iam",
    "describe-instances",
    "modify-db-instance",
    "--filters",
    "--instance-ids",
    "--region",
    "--query",
    "--output",
    "--no-paginate",
    "--max-items",
    "Name=a,Values=b",
    "[{",
    "{}",
    "[]",
    "file://x",
    "--a=b",
    "-1",
    "-",
    "--",
    "ls",
    "s3://acme/x",
)
_ARGUMENTS = st.one_of(
    st.sampled_from(
        WORDS
    ),
    st.text(max_size=12),
)  # fmt: skip


@given(st.lists(_ARGUMENTS, max_size=8))
@settings(max_examples=400, deadline=None)
def test_any_argv_gives_a_step_or_a_refusal_with_a_known_code(words: list[str]) -> None:
    argv = (Word("aws", (0, 3)), *(Word(word, (4, 5)) for word in words))
    parsed = aws.from_argv(argv, catalog(), None)
    assert isinstance(parsed, ParsedStep) or parsed.code in CODES


@given(st.sampled_from(["Name=a,Values=b", "x"]), st.data())
def test_a_repeated_argument_is_refused_wherever_it_stands(value: str, data: st.DataObject) -> None:
    arguments = [("--max-results", "5"), ("--filters", "Name=a,Values=b"), ("--next-token", value)]
    twice = data.draw(st.sampled_from(arguments))
    order = data.draw(st.permutations([*arguments, twice]))
    words = [word for pair in order for word in pair]
    argv = tuple(Word(word, (0, 1)) for word in ("aws", "ec2", "describe-instances", *words))
    found = aws.from_argv(argv, catalog(), None)
    assert isinstance(found, Refusal)
    assert found.code == "AWS_DUPLICATE"
