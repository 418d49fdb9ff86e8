"""The words of one AWS argument to the value of its member."""

import re
from collections.abc import Mapping

from gateway.core.canonical import Json, loads_strict
from gateway.parsing.result import Span
from gateway.parsing.tables_aws import AwsOperation, AwsService
from gateway.parsing.tools.aws_shapes import conform
from gateway.parsing.tools.aws_shorthand import ShorthandError, parse_shorthand
from gateway.parsing.tools.refuse import RefusedError, refuse
from gateway.parsing.words import Word

_LOADS = re.compile(r"\s*(?:file|fileb|https?)://", re.IGNORECASE)
_HTTPS = re.compile(r"https://[A-Za-z0-9._-]+(?::[0-9]{1,5})?(?:/[^\s]*)?")
# A member that is a URL by its own name; the client sends it, nobody fetches it.
_URL_MEMBER = re.compile(r"(Url|URL|Uri|URI|Endpoint|Website|Link)$")
# Lists of one-member structures that awscli fills from bare words.
_BARE_LISTS: Mapping[str, str] = {
    "elb.RegisterInstancesWithLoadBalancer": "Instances",
    "elb.DeregisterInstancesFromLoadBalancer": "Instances",
    "elb.DescribeInstanceHealth": "Instances",
    "elb.RemoveTags": "Tags",
    "workspaces.RebootWorkspaces": "RebootWorkspaceRequests",
    "workspaces.RebuildWorkspaces": "RebuildWorkspaceRequests",
    "workspaces.TerminateWorkspaces": "TerminateWorkspaceRequests",
}


def read_argument(operation: AwsOperation, member: str, flag: str, words: tuple[Word, ...]) -> Json:
    """Return the canonical value of a member, or raise a refusal."""
    shapes = operation.input
    reference = shapes["m"][member] if shapes is not None else "S"
    service = operation.service
    kind = service.shape(reference)["t"]
    span = (words[0].span[0], words[-1].span[1])
    try:
        _refuse_loading(flag, member, kind, words)
        if kind == "XS":
            raise _local_file(operation)
        if kind == "l":
            return _list(operation, reference, member, words)
        return _one(service, reference, member, words[0].text)
    except RefusedError as exc:
        raise _with_span(exc, span) from exc


def _local_file(operation: AwsOperation) -> RefusedError:
    service = operation.service.cli
    return refuse("AWS_LOCAL_FILE", service=service, operation=operation.command, full_name=operation.full_name)


def _with_span(exc: RefusedError, span: Span) -> RefusedError:
    return exc if exc.refusal.span != (0, 0) else refuse(exc.refusal.code, span, **exc.refusal.args)


def _refuse_loading(flag: str, member: str, kind: str, words: tuple[Word, ...]) -> None:
    """Refuse what some client would replace by the content of a file or an address."""
    for word in words:
        if not _LOADS.match(word.text):
            continue
        if kind == "S" and _URL_MEMBER.search(member) and _HTTPS.fullmatch(word.text):
            continue
        raise refuse("AWS_PARAM_FILE", word.span, flag=flag)


def _list(operation: AwsOperation, reference: str, member: str, words: tuple[Word, ...]) -> Json:
    service = operation.service
    first = words[0].text.strip()
    element = service.shape(reference)["e"]
    if first.startswith("["):
        if len(words) > 1:
            raise refuse("AWS_VALUE_EXTRA", words[1].span, flag=member)
        return conform(service, reference, _json(member, first), member, mode="json")
    if _BARE_LISTS.get(operation.full_name) == member:
        (only,) = service.shape(element)["m"]
        values: list[Json] = [{only: word.text} for word in words]
    elif service.shape(element)["t"] in {"s", "m", "l", "J"}:
        values = [_one(service, element, member, word.text) for word in words]
        return conform(service, reference, values, member, mode="json")
    else:
        values = [word.text for word in words]
    return conform(service, reference, values, member, mode="text")


def _one(service: AwsService, reference: str, member: str, text: str) -> Json:
    shape = service.shape(reference)
    kind = shape["t"]
    if kind in {"s", "m", "l", "J"} and (kind == "J" or text.strip().startswith(("{", "["))):
        return conform(service, reference, _json(member, text), member, mode="json")
    if kind == "s" and list(shape["m"]) == ["Value"] and "=" not in text:
        return conform(service, reference, {"Value": text}, member, mode="text")
    if kind in {"s", "m"}:
        try:
            found = parse_shorthand(text)
        except ShorthandError as exc:
            raise refuse("AWS_SHORTHAND", member=member) from exc
        return conform(service, reference, found, member, mode="text")
    return conform(service, reference, text, member, mode="text")


def _json(member: str, text: str) -> Json:
    try:
        return loads_strict(text)
    except ValueError as exc:
        raise refuse("AWS_JSON", member=member) from exc
