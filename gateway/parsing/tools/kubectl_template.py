"""What a jsonpath or custom-columns template shows of an object: names, a few fields, or whole parts of it."""

import re
from collections.abc import Iterator

_EXPRESSION = re.compile(r"\{([^{}]*)\}")
_INDEX = re.compile(r"\[[^\]]*\]")
_IDENTITY = re.compile(
    r"[$@]?(?:\.items\[[0-9:*-]*\])?(?:\.?metadata\.(?:name|namespace|creationTimestamp|uid|resourceVersion)"
    r"|\.?kind|\.?apiVersion)"
)
# Parts that hold other people's text wherever they stand in a path, and parts that are too much as a whole.
_FREE = frozenset({"env", "envFrom", "data", "stringData", "binaryData", "annotations", "managedFields"})
_WHOLE = _FREE | {
    "", "@", "$", "*", "items", "spec", "status", "metadata", "template", "containers", "initContainers", "value",
    "command", "args",
}  # fmt: skip


def whole_parts(output: str, template: str) -> bool:
    """Tell whether a template puts out objects, or parts of them that can hold anything."""
    for path in _paths(output, template):
        parts = _INDEX.sub("", path).split(".")
        if ".." in path or parts[-1].strip() in _WHOLE or _FREE & set(parts):
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
        if text.startswith("range") and "?" not in text and ".." not in text:
            continue
        if text != "end" and not (text[:1] in {'"', "'"} and text.count(text[0]) == 2 and text[-1] == text[0]):
            yield text
