"""Checks for the params of Kubernetes steps: each returns the canonical value or raises a refusal."""

import re
from collections.abc import Callable, Mapping

from gateway.core.canonical import Json
from gateway.parsing.tools.kubectl_names import LABEL_KEY, LABEL_VALUE, check_field_selector, check_name, check_selector
from gateway.parsing.tools.refuse import RefusedError, refuse, show

Check = Callable[[str, Json], Json]
IMAGE = re.compile(r"[a-z0-9](?:[A-Za-z0-9._/-]|:(?!//)){0,254}(?:@sha256:[0-9a-f]{64})?")
QUANTITY = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?(?:m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
ENV_NAME = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]{0,252}")
GROUP = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)?")
GROUP_VERSION = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?v[0-9][a-z0-9]{0,15}")
RESOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9./-]{0,127}")
PATH = re.compile(r"\.[A-Za-z][A-Za-z0-9.\[\]@*'\"_/:\\-]{0,127}")
_COLUMNS = re.compile(r"(?:[A-Za-z][A-Za-z0-9 _/.-]{0,63})?:\{?[A-Za-z0-9.\[\]@*'\"_/:?()=\\ -]{1,255}\}?")
_WAIT_FOR = re.compile(r"delete|create|condition=[A-Za-z][A-Za-z0-9./-]{0,127}(?:=[A-Za-z]{1,16})?")
_WAIT_PATH = re.compile(r"jsonpath=(?P<path>\{[^{}]{1,255}\})(?:=[A-Za-z0-9._:/ -]{0,253})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})")
_LOOP = re.compile(r"\{\s*(range|end)\b")
_MAX_LOOPS = 3
_MAX_TEMPLATE = 512
_MAX_TEXT = 4096
_MAX_INT = 2**31 - 1


def wrong(name: str, wanted: str) -> RefusedError:
    """Return the refusal of one parameter."""
    return refuse("K8S_PARAM", name=name, wanted=wanted)


def integer(low: int, high: int = _MAX_INT) -> Check:
    """Return a check for a whole number in a range."""

    def check(name: str, value: Json) -> Json:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise wrong(name, f"a whole number from {low} to {high}")
        return value

    return check


def boolean(name: str, value: Json) -> Json:
    """Check true or false."""
    if not isinstance(value, bool):
        raise wrong(name, "true or false")
    return value


def choice(*choices: str) -> Check:
    """Return a check for one of some words."""

    def check(name: str, value: Json) -> Json:
        if value not in choices:
            raise wrong(name, "one of " + ", ".join(choices))
        return value

    return check


def matching(pattern: re.Pattern[str], wanted: str) -> Check:
    """Return a check for text of one form."""

    def check(name: str, value: Json) -> Json:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise wrong(name, wanted)
        return value

    return check


def listed(item: Check, *, low: int = 1, high: int = 32) -> Check:
    """Return a check for a list."""

    def check(name: str, value: Json) -> Json:
        if not isinstance(value, list | tuple) or not low <= len(value) <= high:
            raise wrong(name, f"a list of {low} to {high}")
        return [item(name, each) for each in value]

    return check


def mapped(key: re.Pattern[str], item: Check, wanted: str) -> Check:
    """Return a check for an object whose keys have one form; it is never empty."""

    def check(name: str, value: Json) -> Json:
        if not isinstance(value, Mapping) or not 1 <= len(value) <= 64:
            raise wrong(name, wanted)
        for each in value:
            if not isinstance(each, str) or key.fullmatch(each) is None:
                raise wrong(name, wanted)
        return {each: item(f"{name}.{show(each)}", found) for each, found in value.items()}

    return check


def nullable(item: Check) -> Check:
    """Return a check that takes null for "remove"."""
    return lambda name, value: None if value is None else item(name, value)


def text(name: str, value: Json) -> Json:
    """Check free text of bounded length."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise wrong(name, f"text of at most {_MAX_TEXT} characters")
    return value


def name_of(name: str, value: Json) -> Json:
    """Check the name of another resource or container."""
    if not isinstance(value, str):
        raise wrong(name, "a name")
    return check_name(value)


def field_selector(name: str, value: Json) -> Json:
    """Check a field selector."""
    if not isinstance(value, str):
        raise wrong(name, "a field selector")
    return check_field_selector(value)


def label_selector(name: str, value: Json) -> Json:
    """Check a label selector."""
    if not isinstance(value, str):
        raise wrong(name, "a label selector")
    return check_selector(value)


def template(name: str, value: Json) -> Json:
    """Check a jsonpath or custom-columns expression: bounded, balanced, and without scripts."""
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEMPLATE or not (_balanced(value) and _ranges(value)):
        raise refuse("K8S_TEMPLATE", name=name)
    return value


def _ranges(expression: str) -> bool:
    """Tell whether every `{range}` of a jsonpath has its `{end}`; three of them may nest."""
    depth = 0
    for word in _LOOP.findall(expression):
        depth += 1 if word == "range" else -1
        if not 0 <= depth <= _MAX_LOOPS:
            return False
    return not depth


def _balanced(expression: str) -> bool:
    """Tell whether braces, brackets and parentheses nest at most four deep and close."""
    closing = {")": "(", "]": "[", "}": "{"}
    stack: list[str] = []
    quote = ""
    for char in expression:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"" and stack:
            quote = char
        elif char in "([{":
            stack.append(char)
            if len(stack) > 4:
                return False
        elif char in closing and (not stack or stack.pop() != closing[char]):
            return False
    return not stack and not quote and expression.count("..") <= 2


def columns(value: str) -> bool:
    """Tell whether text is `HEADER:.path,HEADER:.path`."""
    return all(_COLUMNS.fullmatch(part) for part in value.split(","))


def wait_for(name: str, value: Json) -> Json:
    """Check what to wait for."""
    if isinstance(value, str) and (_WAIT_FOR.fullmatch(value) or _WAIT_PATH.fullmatch(value)):
        return value
    raise wrong(name, "condition=NAME, delete, create or jsonpath={.path}=VALUE")


labels: Check = mapped(
    LABEL_KEY, nullable(matching(LABEL_VALUE, "a label value")), "an object of label keys and values (null removes)"
)
annotations: Check = mapped(LABEL_KEY, nullable(text), "an object of annotation keys and values (null removes)")
quantities: Check = mapped(
    RESOURCE_NAME, matching(QUANTITY, "a quantity such as 500m or 256Mi"), "an object of quantities"
)
timestamp: Check = matching(_TIME, "a time such as 2026-01-31T12:00:00Z")
