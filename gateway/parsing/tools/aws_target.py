"""Which resources an AWS step acts on: kind and names from the members that identify them.

The same resource has the same id whichever operation reaches it, because locks and evidence go by id:
`DescribeDBInstances` and `ModifyDBInstance` both act on `rds.DBInstance`, named by DBInstanceIdentifier.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.canonical import Json, canonical
from gateway.core.step import Fanout, Target
from gateway.parsing.catalog import Scope
from gateway.parsing.tables_aws import AwsOperation
from gateway.parsing.tools.refuse import refuse

_VERB = re.compile(r"^(?:Batch)?[A-Z][a-z]+")
_SUFFIX = re.compile(r"(?:Identifiers?|Ids?|Names?|Arns?|ARNs?|Urls?)$")
_FILTERS = frozenset({"Filters", "Filter", "filters", "filter", "TagFilters", "LookupAttributes"})
_CREATES = re.compile(r"^(Create|Run|Request|Allocate|Import|Register|Start|Put|Send|Publish|Copy|Submit)")
_ARN = re.compile(r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]*):(?P<region>[a-z0-9-]*):(?P<account>[0-9]*):(?P<rest>.+)")
# The client asks the region's endpoint whatever a queue's URL says, so both must agree; localhost is an emulator.
_QUEUE_URL = re.compile(
    r"https://(?:(?:sqs|sqs-fips|queue)\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
    r"|(?P<legacy>[a-z0-9-]+)\.queue\.amazonaws\.com)/[0-9]{1,12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?"
    r"|https?://(?:localhost|127\.0\.0\.1)(?::[0-9]{1,5})?/[0-9]{1,12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?"
)
# Operations whose own name does not name the resource they act on: operation → (kind, member).
_OVERRIDES: Mapping[str, tuple[str, str]] = {
    "autoscaling.SetDesiredCapacity": ("AutoScalingGroup", "AutoScalingGroupName"),
    "autoscaling.SuspendProcesses": ("AutoScalingGroup", "AutoScalingGroupName"),
    "autoscaling.ResumeProcesses": ("AutoScalingGroup", "AutoScalingGroupName"),
    "autoscaling.DescribeScalingActivities": ("AutoScalingGroup", "AutoScalingGroupName"),
    "autoscaling.TerminateInstanceInAutoScalingGroup": ("AutoScalingInstance", "InstanceId"),
    "autoscaling.StartInstanceRefresh": ("AutoScalingGroup", "AutoScalingGroupName"),
    "ec2.ModifyInstanceAttribute": ("Instance", "InstanceId"),
    "ec2.DescribeInstanceAttribute": ("Instance", "InstanceId"),
    "ec2.DescribeInstanceStatus": ("Instance", "InstanceIds"),
    "ec2.GetConsoleOutput": ("Instance", "InstanceId"),
    "ec2.AuthorizeSecurityGroupIngress": ("SecurityGroup", "GroupId"),
    "ec2.AuthorizeSecurityGroupEgress": ("SecurityGroup", "GroupId"),
    "ec2.RevokeSecurityGroupIngress": ("SecurityGroup", "GroupId"),
    "ec2.RevokeSecurityGroupEgress": ("SecurityGroup", "GroupId"),
    "ec2.DescribeSecurityGroups": ("SecurityGroup", "GroupIds"),
    "ec2.DeleteSecurityGroup": ("SecurityGroup", "GroupId"),
    "ec2.CreateTags": ("Resource", "Resources"),
    "ec2.DeleteTags": ("Resource", "Resources"),
    "lambda.UpdateFunctionConfiguration": ("Function", "FunctionName"),
    "lambda.GetFunctionConfiguration": ("Function", "FunctionName"),
    "lambda.PutFunctionConcurrency": ("Function", "FunctionName"),
    "lambda.DeleteFunctionConcurrency": ("Function", "FunctionName"),
    "lambda.GetFunctionConcurrency": ("Function", "FunctionName"),
    "lambda.UpdateFunctionCode": ("Function", "FunctionName"),
    "lambda.Invoke": ("Function", "FunctionName"),
    "logs.FilterLogEvents": ("LogGroup", "logGroupName"),
    "logs.GetLogEvents": ("LogGroup", "logGroupName"),
    "logs.StartQuery": ("LogGroup", "logGroupName"),
    "logs.PutRetentionPolicy": ("LogGroup", "logGroupName"),
    "route53.ChangeResourceRecordSets": ("HostedZone", "HostedZoneId"),
    "route53.ListResourceRecordSets": ("HostedZone", "HostedZoneId"),
    "sqs.PurgeQueue": ("Queue", "QueueUrl"),
    "sqs.GetQueueAttributes": ("Queue", "QueueUrl"),
    "sqs.SetQueueAttributes": ("Queue", "QueueUrl"),
    "elbv2.DescribeTargetHealth": ("TargetGroup", "TargetGroupArn"),
    "elbv2.RegisterTargets": ("TargetGroup", "TargetGroupArn"),
    "elbv2.DeregisterTargets": ("TargetGroup", "TargetGroupArn"),
    "elasticache.TestFailover": ("ReplicationGroup", "ReplicationGroupId"),
    "kms.ScheduleKeyDeletion": ("Key", "KeyId"),
    "kms.CancelKeyDeletion": ("Key", "KeyId"),
}
# A name that is unique only within another resource is written `parent/name`.
_PARENTS: Mapping[str, tuple[str, ...]] = {
    "apigateway": ("restApiId",),
    "apigatewayv2": ("ApiId",),
    "ecs": ("cluster",),
    "eks": ("clusterName",),
    "lambda": ("FunctionName",),
    "servicediscovery": ("ServiceId",),
}
# Services that take an ARN and a name for the same thing; the name is the last part of the ARN.
_ARN_NAMES = {"lambda": ":function:", "ecs": "/", "eks": "/"}


@dataclass(frozen=True, slots=True)
class _Found:
    kind: str
    names: tuple[str, ...]
    selector: str | None
    fanout: Fanout


def find_target(
    operation: AwsOperation, params: Mapping[str, Json], scope: Scope, region: str, *, reads: bool
) -> Target:
    """Return the target of a step, or raise a refusal for a change of a resource in another region.

    A read there is answered by the API with an error, so it is let through.
    """
    if operation.service.name == "sqs" and isinstance(params.get("QueueUrl"), str):
        _check_queue(params["QueueUrl"], region)
    found = _find(operation, params, None if reads else region)
    if not all(text.isascii() and text.isprintable() for text in (*found.names, found.selector or "")):
        raise refuse("AWS_VALUE", member=found.kind, wanted="named in plain ASCII characters")
    name = found.names[0] if len(found.names) == 1 else "*"
    kind = f"{operation.service.name}.{found.kind}"
    return Target(
        scope=scope.name, kind=kind, id=f"aws:{scope.name}/{region}/{kind}/{name}",
        fanout=found.fanout, names=found.names, region=region, selector=found.selector,
    )  # fmt: skip


def _find(operation: AwsOperation, params: Mapping[str, Json], region: str | None) -> _Found:
    kind, member = _identify(operation, params)
    names = _names(operation, params, kind, member, region)
    if len(names) == 1:
        return _Found(kind, names, None, "one")
    if names:
        return _Found(kind, names, None, "listed")
    chosen = {name: params[name] for name in params if name in _FILTERS or _identifies(operation, name)}
    if chosen:
        return _Found(kind, (), canonical(chosen).decode(), "selector")
    return _Found(kind, (), None, "one" if _CREATES.match(operation.name) else "all")


def _identify(operation: AwsOperation, params: Mapping[str, Json]) -> tuple[str, str | None]:
    """Return the kind, and the given member that names it."""
    if operation.full_name in _OVERRIDES:
        kind, member = _OVERRIDES[operation.full_name]
        return kind, member if member in params else None
    if operation.service.name == "s3" and "Bucket" in params:
        return ("Object", "Key") if "Key" in params else ("Bucket", "Bucket")
    noun = singular(_VERB.sub("", operation.name) or operation.name)
    shape = operation.input
    candidates = [name for name in params if _identifies(operation, name)]
    required = frozenset(shape.get("r", ())) if shape is not None else frozenset()
    candidates.sort(key=lambda name: (-_score(noun, stem(name)), name not in required, name))
    for name in candidates:
        score = _score(noun, stem(name))
        if score or name in required:
            return (noun if score else upper_first(stem(name))), name
    return noun, None


def _identifies(operation: AwsOperation, name: str) -> bool:
    """Tell whether a member is text, or a list of text, and named like an identifier."""
    shape = operation.input
    if shape is None or name not in shape["m"] or name == "ClientToken":
        return False
    row = operation.service.shape(shape["m"][name])
    if row["t"] == "l":
        row = operation.service.shape(row["e"])
    return bool(row["t"] == "S" and (_SUFFIX.search(name) or _is_noun(operation, name)))


def _is_noun(operation: AwsOperation, name: str) -> bool:
    noun = singular(_VERB.sub("", operation.name)).lower()
    return singular(name).lower() == noun


def _score(noun: str, found: str) -> int:
    """Rate how well a member's stem fits the operation's noun: the same word, a part of it, or a bare `Id`."""
    wanted, got = noun.lower(), singular(found).lower()
    if wanted == got:
        return 4
    if not got:
        return 2
    return 3 if wanted.endswith(got) else 1 if wanted.startswith(got) else 0


def _names(
    operation: AwsOperation, params: Mapping[str, Json], kind: str, member: str | None, region: str | None
) -> tuple[str, ...]:
    if member is None:
        return ()
    value = params[member]
    given = (value,) if isinstance(value, str) else tuple(str(item) for item in value)
    for name in given:
        _check_arn(name, member, region)
    service = operation.service.name
    names = [plain_name(service, name) for name in given]
    if service == "s3" and kind == "Object":
        return tuple(f"{params['Bucket']}/{name}" for name in names)
    for parent in _PARENTS.get(service, ()):
        if parent in params and parent != member:
            above = plain_name(service, str(params[parent]))
            return tuple(f"{above}/{name}" for name in names)
    return tuple(names)


def plain_name(service: str, name: str) -> str:
    """Return the bare name behind an ARN where the service takes both."""
    cut = _ARN_NAMES.get(service)
    if cut is None or not name.startswith("arn:"):
        return name
    return name.rsplit(cut, 1)[-1]


def _check_queue(url: str, region: str) -> None:
    match = _QUEUE_URL.fullmatch(url)
    if match is None or (match["region"] or match["legacy"] or region) != region:
        raise refuse("AWS_QUEUE_URL", region=region)


def _check_arn(name: str, member: str, region: str | None) -> None:
    match = None if region is None else _ARN.fullmatch(name)
    if match is not None and match["region"] not in {"", region}:
        raise refuse("AWS_ARN_REGION", member=member, region=region)


def stem(member: str) -> str:
    """Return an identifier's member without its suffix: `DBInstanceIdentifier` → `DBInstance`."""
    return upper_first(_SUFFIX.sub("", member))


def singular(word: str) -> str:
    """Return a plural noun in the singular, as AWS forms its plurals."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "iases")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "Status", "us", "is", "ias")) else word


def upper_first(word: str) -> str:
    """Return a word with its first letter in upper case."""
    return word[:1].upper() + word[1:]
