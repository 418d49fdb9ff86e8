"""What a jsonpath or custom-columns template shows of an object: names, a few fields, or whole parts of it."""

import re
from collections.abc import Iterator

_EXPRESSION = re.compile(r"\{([^{}]*)\}")
_INDEX = re.compile(r"\[[^\]]*\]")
_IDENTITY = re.compile(
    r"[$@]?(?:\.items\[[0-9:*-]*\])?(?:\.?metadata\.(?:name|namespace|creationTimestamp|uid|resourceVersion)"
    r"|\.?kind|\.?apiVersion)"
)
_LOOP = "range"
# Parts that hold other people's text wherever they stand in a path, and parts that are too much as a whole.
_FREE = frozenset({"env", "envFrom", "data", "stringData", "binaryData", "annotations", "managedFields"})
_WHOLE = _FREE | {
    "", "@", "$", "*", "items", "spec", "status", "metadata", "template", "containers", "initContainers", "value",
    "command", "args",
}  # fmt: skip
# Fields whose values say what they are only by the name beside them, which a path leaves behind.
_VALUES = re.compile(
    r"(?<![A-Za-z0-9_/-])(?:env|envFrom|data|stringData|binaryData|managedFields)(?![A-Za-z0-9_/-])"
    r"|last-applied-configuration"
)
_LABELS = re.compile(r"(?:labels|annotations|matchLabels|nodeSelector|selector)(?:\.|\[['\"])[A-Za-z0-9_-]+")
_EVERY_VALUE = re.compile(r"\.\.(?:\*|value\b|\s*$|\s*\})|\.\*|^[$@]?\[?['\"]?\*")


def bare_values(path: str) -> bool:
    """Tell whether a path, or a filter in it, takes values away from the names that say what they are.

    What is printed is redacted by such names, so `{..env[*].value}` shows what `-o yaml` would hide.
    """
    return bool(_VALUES.search(_LABELS.sub("", path)) or _EVERY_VALUE.search(path))


def shows_bare_values(output: str, template: str) -> bool:
    """Tell whether a template puts out, or asks about, values without their names."""
    if output == "custom-columns":
        return any(bare_values(column.partition(":")[2].strip("{} ")) for column in template.split(","))
    return any(bare_values(text.strip()) for text in _EXPRESSION.findall(template) if not _is_text(text.strip()))


def _is_text(expression: str) -> bool:
    quote = expression[:1]
    return quote in {'"', "'"} and expression.count(quote) == 2 and expression[-1] == quote


def whole_parts(output: str, template: str) -> bool:
    """Tell whether a template puts out objects, or parts of them that can hold anything."""
    for path in _paths(output, template):
        if path.startswith(_LOOP) and ".." not in path:
            continue  # what a loop goes over is not put out, whatever its filter asks
        parts = _INDEX.sub("", path).split(".")
        last = parts[-1].strip()
        condition = last == "status" and "conditions" in parts  # True, False or Unknown
        if ".." in path or (last in _WHOLE and not condition) or _FREE & set(parts):
            return True
    return False


def names_only(output: str, template: str) -> bool:
    """Tell whether a template puts out nothing but what identifies an object; without a template it does not."""
    paths = list(_paths(output, template))
    return bool(paths) and all(_IDENTITY.fullmatch(path) for path in paths)


def _paths(output: str, template: str) -> Iterator[str]:
    """Yield the paths whose values are put out, and those that a filter or a `..` makes worth a look.

    `{range ..}` only says over what, `{"text"}` and `{end}` show nothing.
    """
    if output == "custom-columns":
        yield from (column.partition(":")[2].strip("{} ") for column in template.split(","))
        return
    if "{" in _EXPRESSION.sub("", template):
        yield ".."  # a brace inside a text: not worth understanding
    for expression in _EXPRESSION.findall(template):
        text = expression.strip()
        if text.startswith(_LOOP) and "?" not in text and ".." not in text:
            continue
        if text != "end" and not _is_text(text):
            yield text
