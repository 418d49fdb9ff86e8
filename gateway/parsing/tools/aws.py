"""AWS: `aws <service> <operation> …` and typed `<service>.<Operation>` steps, through one `build`."""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.core.effect import only_reads
from gateway.core.step import Step
from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.result import ParsedStep, Refusal
from gateway.parsing.scope import resolve_scope
from gateway.parsing.tables_aws import AwsOperation
from gateway.parsing.tools import aws_s3
from gateway.parsing.tools.aws_client import CLIENT, check_client
from gateway.parsing.tools.aws_effect_rules import SESSIONS
from gateway.parsing.tools.aws_effects import effects_of, undo_of
from gateway.parsing.tools.aws_shapes import Mode, conform
from gateway.parsing.tools.aws_target import find_target
from gateway.parsing.tools.aws_words import read_words
from gateway.parsing.tools.refuse import RefusedError, refuse, show, some
from gateway.parsing.typed import agrees
from gateway.parsing.words import TypedStep, Word


def from_argv(words: tuple[Word, ...], catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
    """Read one command; `words[0]` is `aws`."""
    try:
        asked = read_words(aws_s3.expand(words), catalog.aws)
        params = asked.params | ({CLIENT: asked.client} if asked.client else {})
        return build(asked.operation, params, _scope(catalog, scope), asked.region, mode="json")
    except RefusedError as exc:
        return exc.refusal


def from_typed(step: TypedStep, catalog: Catalog) -> ParsedStep | Refusal:
    """Read one typed step; its params are botocore's, times as text, binary as base64."""
    try:
        if step.namespace is not None:
            raise refuse("AWS_TYPED", member="namespace")
        operation = _typed_operation(step, catalog)
        parsed = build(operation, step.params, _scope(catalog, step.scope), step.region, mode="typed")
        return agrees(step, parsed) or parsed
    except RefusedError as exc:
        return exc.refusal


def build(
    operation: AwsOperation, given: Mapping[str, Json], scope: Scope, region: str | None, *, mode: Mode
) -> ParsedStep:
    """Return the step of an operation with its parameters, or raise a refusal."""
    if operation.full_name in SESSIONS:
        raise refuse("AWS_SESSION", operation=f"{operation.service.cli} {operation.command}")
    where = _region(scope, region)
    client = check_client(operation, given.get(CLIENT, {}))
    params = _params(operation, {name: value for name, value in given.items() if name != CLIENT}, mode)
    effects, why = effects_of(operation, params, client.get("query"))
    step = Step(
        tool="aws",
        operation=operation.full_name,
        api={
            "service": operation.service.name,
            "operation": operation.name,
            "iam": [action for action, _ in operation.actions],
        },
        target=find_target(operation, params, scope, where, reads=only_reads(effects)),
        params=params | ({CLIENT: client} if client else {}),
    )
    return ParsedStep(step, effects, why, f"aws-{operation.service.version}", undo_of(operation, effects))


def _params(operation: AwsOperation, given: Mapping[str, Json], mode: Mode) -> dict[str, Json]:
    reference = operation.row.get("i")
    if reference is not None:
        found: dict[str, Json] = conform(operation.service, reference, given, "params", mode=mode)
        return found
    if given:
        name = show(str(next(iter(given))))
        raise refuse("AWS_MEMBER_UNKNOWN", member=operation.name, name=name, known="none")
    return {}


def _scope(catalog: Catalog, name: str | None) -> Scope:
    scope = resolve_scope(catalog, "aws", name)
    if isinstance(scope, Refusal):
        raise RefusedError(scope)
    return scope


def _region(scope: Scope, region: str | None) -> str:
    known = ", ".join(scope.regions) or scope.default_region or "none"
    where = region if region is not None else scope.default_region
    if where is None:
        raise refuse("AWS_REGION", scope=scope.name, known=known)
    if where != scope.default_region and where not in scope.regions:
        raise refuse("AWS_REGION_OUTSIDE", scope=scope.name, known=known)
    return where


def _typed_operation(step: TypedStep, catalog: Catalog) -> AwsOperation:
    name, _, wanted = step.operation.partition(".")
    service = catalog.aws.services.get(name)
    if service is None:
        code = "AWS_SERVICE_NOT_ENABLED" if name in catalog.aws.shipped.values() else "AWS_SERVICE_UNKNOWN"
        raise refuse(code, service=show(name), known=some(list(catalog.aws.services), name))
    operation = service.operation_named(wanted)
    if operation is None:
        known = ", ".join(f"{name}.{found}" for found in some(service.commands, wanted).split(", "))
        raise refuse("AWS_OPERATION_UNKNOWN", service=name, operation=show(wanted), known=known)
    return operation
