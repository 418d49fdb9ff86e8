"""`--query`: what is bounded, and when the rest of an answer makes a read plain."""

import jmespath
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.effect import Effect
from gateway.parsing.tools.aws_query import check_query, shows_state_only
from gateway.parsing.tools.refuse import RefusedError
from tests.fixtures_catalog import refusal, step

SECRET = "hunter2"
# An answer in which a secret stands wherever one can: below the members that hold what people wrote.
ANSWER = {
    "Functions": [
        {
            "FunctionName": "checkout", "Runtime": "python3.12", "State": "Active", "MemorySize": 128,
            "Environment": {"Variables": {"DB_PASSWORD": SECRET, "Name": SECRET, "State": SECRET}},
            "Description": SECRET, "Tags": {"Name": SECRET},
        }
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "|".join(["[@,@]"] * 7), "|".join(["{a:@,b:@}"] * 7), "|".join(["to_string([@,@])"] * 5),
        "[*]" * 60, "join(to_string(@), Reservations[].InstanceId)", "[].[@,@]" * 5 + "[].[@,@,@]",
    ],
)  # fmt: skip
def test_a_query_cannot_multiply_the_answer(query: str) -> None:
    assert refusal(f"aws ec2 describe-instances --query '{query}'").code == "AWS_QUERY"


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # jmespath dislikes a bare `Name`; people write it
@pytest.mark.parametrize(
    "query",
    [
        "Reservations[].Instances[].{a:A,b:B,c:C,d:D,e:E,f:F,g:G,name:Tags[?Key==`Name`]|[0].Value}",
        'DBInstances[?DBInstanceStatus=="a" && MultiAZ==`true` && contains(Engine,"postgres")].[A,B,C,D,E,F]',
        "sort_by(Images,&CreationDate)[-1].ImageId", "join(`,`,Reservations[].Instances[].InstanceId)",
    ],
)  # fmt: skip
def test_the_queries_people_write_are_accepted(query: str) -> None:
    assert step(f"aws ec2 describe-instances --query '{query}'").effects == {Effect.READ}


@pytest.mark.parametrize(
    "command",
    [
        "aws lambda list-functions --query 'Functions[].[FunctionName,Runtime,State]'",
        "aws lambda get-function-configuration --function-name f --query State",
        "aws ecs describe-tasks --cluster c --tasks t --query 'tasks[].containers[].[name,lastStatus,exitCode,reason]'",
        "aws ecs describe-task-definition --task-definition t --query 'taskDefinition.containerDefinitions[].image'",
        "aws cloudfront list-distributions --query 'DistributionList.Items[].[Id,DomainName,Status]'",
        "aws ec2 describe-spot-instance-requests --query 'SpotInstanceRequests[].[SpotInstanceRequestId,State]'",
    ],
)
def test_a_query_that_leaves_only_names_and_states_makes_a_read_of_configuration_plain(command: str) -> None:
    assert step(command).effects == {Effect.READ}
    assert step(command.partition(" --query")[0]).effects == {Effect.READ_SENSITIVE}


@pytest.mark.parametrize(
    "query",
    [
        "Functions", "@", "*", "Functions[].*", "Functions[].Environment", "Functions[].[FunctionName,@]",
        "Functions[].Environment.Variables.Name", "Functions[?Environment.Variables.State=='x'].FunctionName",
        "Functions[?contains(to_string(@),'x')].FunctionName", "sort_by(Functions,&Environment)[].FunctionName",
        "{FunctionName:@}.FunctionName", "merge({FunctionName:@},@).FunctionName", "[{State:@}][].State",
        "Functions[].FunctionName || @", "not_null(Functions[].X, @)", "keys(Functions[0])",
        "Functions[].Tags.Name", "Functions[?Description=='x'].State", "max_by(Functions,&MemorySize)",
        "values(Functions[0])",
    ],
)  # fmt: skip
def test_a_query_that_shows_or_asks_about_more_does_not(query: str) -> None:
    assert step(f'aws lambda list-functions --query "{query}"').effects == {Effect.READ_SENSITIVE}


@pytest.mark.parametrize(
    "command",
    [
        "aws logs get-log-events --log-group-name g --log-stream-name s --query 'events[].Name'",
        "aws dynamodb scan --table-name t --query 'Items[].Name'",
        "aws ssm get-parameter --name p --query Parameter.Name",
        "aws wafv2 list-api-keys --scope REGIONAL --query 'APIKeySummaries[].Version'",
        "aws secretsmanager get-secret-value --secret-id s --query Name",
    ],
)
def test_reads_of_data_and_of_keys_stay_what_they_are(command: str) -> None:
    assert step(command).effects != {Effect.READ}


MEMBERS = (
    "FunctionName",
    "State",
    "Environment",
    "Variables",
    "Functions",
    "Name",
    "Tags",
    "Description",
    "MemorySize",
)
PARTS = (
    "@", "*", "[]", "[*]", "[0]", ".", "|", "{State:@}", "{n:Name}", "[@]", "[?State=='Active']", "to_string(@)",
    "keys(@)", "values(@)", "sort_by(Functions,&State)", "not_null(@)", "merge(@,@)", "||", "&&", "!",
    "max_by(",
)  # fmt: skip


@given(st.lists(st.sampled_from(MEMBERS + PARTS), min_size=1, max_size=7))
@settings(max_examples=1_500, deadline=None)
def test_no_query_that_is_called_harmless_shows_what_people_wrote(parts: list[str]) -> None:
    query = "".join(parts)
    try:
        check_query(query)
    except RefusedError:
        return
    if not shows_state_only(query):
        return
    try:
        found = jmespath.search(query, ANSWER)
    except jmespath.exceptions.JMESPathError:
        return
    assert SECRET.encode() not in orjson.dumps(found, default=str)


def test_an_argument_of_the_operation_is_not_taken_for_the_clients() -> None:
    sampled = step(
        "aws wafv2 get-sampled-requests --web-acl-arn arn:aws:wafv2:eu-west-1:1:regional/webacl/prod/0a1b "
        "--scope REGIONAL --rule-metric-name r --max-items 100 "
        "--time-window StartTime=2026-11-02T10:00:00Z,EndTime=2026-11-02T11:00:00Z"
    )
    assert sampled.step.params["MaxItems"] == 100
    assert step("aws iam list-roles --max-items 5").step.params["$client"] == {"max_items": 5}


@pytest.mark.parametrize(
    "command",
    [
        "aws glue get-job-runs --job-name etl", "aws scheduler get-schedule --name nightly",
        "aws codepipeline get-pipeline --name checkout", "aws cloudformation describe-stack-set --stack-set-name x",
        "aws kinesisanalyticsv2 describe-application-version --application-name a --application-version-id 1",
    ],
)  # fmt: skip
def test_arguments_inputs_and_templates_are_sensitive_wherever_they_come_out(command: str) -> None:
    assert step(command).effects == {Effect.READ_SENSITIVE}


def test_a_query_of_states_makes_such_a_read_plain() -> None:
    command = "aws glue get-job-runs --job-name etl --query 'JobRuns[].[Id,JobRunState]'"
    assert step(command).effects == {Effect.READ}
