"""The effects of an AWS step, from IAM levels, names, traps and parameters; the worst of all counts."""

import re
from collections.abc import Iterator, Mapping

from gateway.core.canonical import Json, loads_strict
from gateway.core.effect import Effect, Undo, only_reads
from gateway.parsing.tables_aws import AwsOperation
from gateway.parsing.tools import aws_effect_rules as rules
from gateway.parsing.tools.aws_query import shows_state_only
from gateway.parsing.tools.refuse import refuse

Found = tuple[Effect, str]
_LEVELS: Mapping[str, Effect] = {
    "R": Effect.READ, "L": Effect.READ, "T": Effect.WRITE, "W": Effect.WRITE, "P": Effect.PRIVILEGE,
}  # fmt: skip
_ONLY_LOOK = frozenset({Effect.READ, Effect.READ_SENSITIVE, Effect.EGRESS})
_ACL = re.compile(r"^(ACL|Grant\w+)$")


def effects_of(
    operation: AwsOperation, params: Mapping[str, Json], query: str | None = None
) -> tuple[frozenset[Effect], tuple[str, ...]]:
    """Return the effects and the evidence for each; raises a refusal for a policy document that is not clean JSON.

    `query` has passed `check_query`: what it leaves out never leaves the executor.
    """
    found = list(_by_table(operation, params))
    if query is not None and _is_configuration(operation, found) and shows_state_only(query):
        found = [(Effect.READ, "query:names and states only")]
    if any(effect not in _ONLY_LOOK for effect, _ in found):
        found += _by_name(operation)
        found += _by_parameters(operation, params)
    return frozenset(effect for effect, _ in found), tuple(dict.fromkeys(why for _, why in found))


def _is_configuration(operation: AwsOperation, found: list[Found]) -> bool:
    """Tell whether the only doubt about a read is what some members of a known structure hold."""
    if any(effect is not Effect.READ_SENSITIVE for effect, _ in found) or operation.streams_output:
        return False
    row = rules.EFFECTS.get(operation.full_name)
    if row is not None:
        return row[1] in rules.CONFIGURATION and operation.full_name not in rules.KEY_IS_ID
    return bool(rules.LISTS.match(operation.name)) and bool(operation.sensitive_output)


def undo_of(operation: AwsOperation, effects: frozenset[Effect]) -> Undo:
    """Return the static undo class."""
    if only_reads(effects):
        return Undo.NOT_NEEDED
    if operation.full_name in rules.COMPENSATED:
        return Undo.COMPENSATING
    return Undo.NEUTRAL if rules.NEUTRAL.match(operation.name) else Undo.NONE


def _by_table(operation: AwsOperation, params: Mapping[str, Json]) -> Iterator[Found]:
    """Yield what IAM and the reviewed table say."""
    row = rules.EFFECTS.get(operation.full_name)
    if row is not None:
        yield from ((effect, f"table:aws {row[1]}") for effect in sorted(row[0]))
    if not operation.actions:
        yield Effect.UNKNOWN, "iam:unmapped"
        return
    levels = {level for _, level in operation.actions}
    if row is None or not levels <= {"R", "L"}:
        yield from _by_level(operation, levels)
    member, value = rules.REVEALING_PARAMETERS.get(operation.full_name, ("", ""))
    if member and params.get(member) == value:
        yield Effect.EGRESS, f"param:{member}"


def _by_level(operation: AwsOperation, levels: set[str]) -> Iterator[Found]:
    for level in sorted(levels - {"R", "L"}):
        yield _LEVELS[level], f"iam:{level}"
    if levels <= {"R", "L"}:
        if not rules.READ_VERBS.match(operation.name):
            yield Effect.WRITE, "name:not a read verb"
        elif operation.sensitive_output:
            yield Effect.READ_SENSITIVE, f"output:{operation.sensitive_output[0]}"
        elif rules.REVEALING_NAMES.search(operation.name):
            yield Effect.READ_SENSITIVE, "name:reveals"
        elif operation.streams_output:
            yield Effect.READ_SENSITIVE, "output:stream"
        else:
            yield Effect.READ, f"iam:{'+'.join(sorted(levels))}"


def _by_name(operation: AwsOperation) -> Iterator[Found]:
    """Yield what the name of a write adds."""
    service, name = operation.service.name, operation.name
    tags = bool(operation.actions) and all(level == "T" for _, level in operation.actions)
    if rules.DESTRUCTIVE_VERBS.match(name) and not tags and "Tags" not in name:
        yield Effect.DESTRUCTIVE, "name:destructive verb"
    if service in rules.PRIVILEGE_SERVICES:
        yield Effect.PRIVILEGE, f"service:{service}"
    if rules.PRIVILEGE_NAMES.search(name):
        yield Effect.PRIVILEGE, "name:permissions"
    if service in rules.BOUNDARY_SERVICES or (
        service in {"ec2", "wafv2", "route53resolver", "rds", "elasticache", "redshift"}
        and rules.BOUNDARY_NAMES.search(name)
    ):
        yield Effect.BOUNDARY, "name:network boundary"


def _by_parameters(operation: AwsOperation, params: Mapping[str, Json]) -> Iterator[Found]:
    """Yield what the parameters of a write add."""
    for path, value in _leaves(params, ""):
        member = path.removesuffix(".Value").rsplit(".", 1)[-1]
        for wanted in (value, None):
            effect = rules.PARAMETERS.get((member, wanted)) if _same_kind(wanted) else None
            if effect is not None:
                yield effect, f"param:{path}"
        if rules.SECRET_PARAMETERS.search(member) or rules.ROLE_PARAMETERS.search(member):
            yield Effect.PRIVILEGE, f"param:{path}"
        if isinstance(value, str):
            yield from _by_text(path, member, value)
    if operation.full_name == "route53.ChangeResourceRecordSets" and _deletes_records(params):
        yield Effect.DESTRUCTIVE, "param:ChangeBatch.Changes.Action"


def _same_kind(value: Json) -> bool:
    """Tell whether a value can be a key of the parameter table (1 and True are the same key)."""
    return value is None or isinstance(value, bool) or (isinstance(value, int) and value == 0)


def _by_text(path: str, member: str, value: str) -> Iterator[Found]:
    if value in rules.EVERYWHERE:
        yield Effect.BOUNDARY, f"param:{path}={value}"
    if member == "Principal" and value == "*":
        yield Effect.PRIVILEGE, f"param:{path}=*"
    if _ACL.match(member) and rules.PUBLIC_ACL.search(value):
        yield Effect.PRIVILEGE, f"param:{path}"
    if rules.POLICY_MEMBERS.search(member) and value.lstrip().startswith(("{", "[")):
        yield Effect.PRIVILEGE, f"param:{path}"
        if _allows_everyone(_document(path, value)):
            yield Effect.BOUNDARY, f"param:{path} allows every principal"


def _document(path: str, value: str) -> Json:
    try:
        return loads_strict(value)
    except ValueError as exc:
        raise refuse("AWS_JSON", member=path) from exc


def _allows_everyone(document: Json) -> bool:
    if isinstance(document, Mapping):
        principal = document.get("Principal")
        if principal == "*" or (isinstance(principal, Mapping) and "*" in (*_flat(principal.get("AWS")),)):
            return True
        return any(_allows_everyone(value) for value in document.values())
    return isinstance(document, list) and any(_allows_everyone(value) for value in document)


def _flat(value: Json) -> tuple[Json, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _deletes_records(params: Mapping[str, Json]) -> bool:
    changes = params.get("ChangeBatch", {}).get("Changes", ())
    return any(change.get("Action") == "DELETE" for change in changes)


def _leaves(value: Json, path: str) -> Iterator[tuple[str, Json]]:
    """Yield every member with its path; a structure is yielded itself and then walked."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            below = f"{path}.{name}" if path else name
            yield below, item if not isinstance(item, Mapping | list) else None
            yield from _leaves(item, below)
    elif isinstance(value, list):
        for item in value:
            if not isinstance(item, Mapping | list):
                yield path, item
            yield from _leaves(item, path)
