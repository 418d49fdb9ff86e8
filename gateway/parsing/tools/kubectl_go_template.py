"""A go-template of names and fields, written as the jsonpath that shows the same.

Taken are fields, texts, `range` over a list (with a name for each item), `index` by a key or a number, and one
`if eq` or `if ne` that is all of a loop. Where a field is missing kubectl's go-template says `<no value>` and a
jsonpath nothing. Everything else (pipes, other functions, maps in loops, other templates) is refused.
"""

import re
from dataclasses import dataclass, field

from gateway.parsing.names import names

_ACTION = re.compile(
    r"\{\{(?P<left>-(?=\s))?\s*(?P<body>(?:\"[^\"\n]*\"|`[^`\n]*`|[^{}\"`\n])*?)\s*(?P<right>(?<=\s)-)?\}\}"
)
_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
_STEPS = rf"(?:\.{_NAME})+"
_PATH = re.compile(rf"(?P<variable>\${_NAME})?(?P<steps>{_STEPS})?|\.")
_TEXT = re.compile(r"\"(?P<escaped>(?:[^\"\\{}]|\\[nt])*)\"|`(?P<raw>[^`\\{}\"]*)`")
_RANGE = re.compile(rf"range\s+(?:(?:\${_NAME}\s*,\s*)?(?P<variable>\${_NAME})\s*:=\s*)?(?P<over>\S+)")
_INDEX = re.compile(
    rf"index\s+(?P<path>(?:\${_NAME})?{_STEPS})\s+(?:\"(?P<key>[A-Za-z0-9._/-]{{1,128}})\"|(?P<at>[0-9]{{1,3}}))"
)
_ONLY_IF = re.compile(r"if\s+(?P<compared>eq|ne)\s+(?P<path>\S+)\s+\"(?P<value>[A-Za-z0-9 ._/-]{0,64})\"")
_PLAIN = re.compile(r"[^{}\\\n]*")
_ALL = "@"
# What is no single value is written as Go writes maps and lists, which a jsonpath does not.
_STRUCTURES = names(
    """
    addresses affinity annotations args binaryData capacity allocatable command conditions containerStatuses containers
    data env envFrom initContainers items labels limits managedFields matchLabels metadata nodeSelector ownerReferences
    ports requests resources rules securityContext selector spec status stringData subsets taints template tolerations
    volumeMounts volumes
    """
)
_OPERATORS = {"eq": "==", "ne": "!="}
Part = tuple[str, str]


@dataclass(slots=True)
class _Writer:
    """What is written so far, and the names of the items of the loops that are open."""

    parts: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)


def as_jsonpath(template: str) -> str | None:
    """Return the jsonpath that shows what a go-template shows, None when it is not of the simple kind."""
    split = _split(template)
    if split is None:
        return None
    writer = _Writer()
    index = 0
    while index < len(split):
        taken = _write(writer, split, index)
        if not taken:
            return None
        index += taken
    shows = any(part.startswith("{.") for part in writer.parts)
    return "".join(writer.parts) if shows and not writer.loops else None


def _split(template: str) -> list[Part] | None:
    """Return texts and actions in their order, without the blanks that `{{-` and `-}}` take away."""
    parts: list[Part] = []
    position, trim = 0, False
    for match in [*_ACTION.finditer(template), None]:
        text = template[position : match.start() if match else len(template)]
        text = text.lstrip() if trim else text
        text = text.rstrip() if match and match["left"] else text
        if not _PLAIN.fullmatch(text):
            return None
        parts += [("text", text)] if text else []
        if match:
            parts.append(("action", match["body"]))
            position, trim = match.end(), bool(match["right"])
    return parts


def _write(writer: _Writer, split: list[Part], index: int) -> int:
    """Write one part and return how many parts it took, 0 when it is not understood."""
    kind, body = split[index]
    if kind == "text":
        writer.parts.append(body)
        return 1
    if body == "end":
        if not writer.loops:
            return 0
        writer.loops.pop()
        writer.parts.append("{end}")
        return 1
    loop = _RANGE.fullmatch(body)
    if loop:
        return _write_loop(writer, split, index, loop)
    shown = _shown(body, writer.loops)
    writer.parts += [shown] if shown else []
    return 1 if shown else 0


def _write_loop(writer: _Writer, split: list[Part], index: int, loop: re.Match[str]) -> int:
    over = _path(loop["over"], writer.loops)
    if over is None or over == _ALL:
        return 0
    writer.loops.append(loop["variable"] or "")
    then = split[index + 1] if index + 1 < len(split) else ("", "")
    only = _ONLY_IF.fullmatch(then[1]) if then[0] == "action" else None
    if only is None:
        writer.parts.append(f"{{range {over}[*]}}")
        return 1
    tested = _path(only["path"], writer.loops)
    end = _end(split, index + 2)
    if tested is None or tested == _ALL or end is None or split[end + 1 : end + 2] != [("action", "end")]:
        return 0
    condition = f'@{tested}{_OPERATORS[only["compared"]]}"{only["value"]}"'
    writer.parts.append(f"{{range {over}[?({condition})]}}")
    del split[end]  # the `end` of the condition; that of the loop follows
    return 2


def _end(split: list[Part], index: int) -> int | None:
    """Return where the block that was opened before `index` ends."""
    depth = 1
    for at in range(index, len(split)):
        kind, body = split[at]
        if kind == "action":
            depth += body.startswith(("range ", "if ", "with ")) - (body == "end")
            if body.startswith("else") and depth == 1:
                return None
            if not depth:
                return at
    return None


def _shown(body: str, loops: list[str]) -> str | None:
    text = _TEXT.fullmatch(body)
    if text:
        return f'{{"{text["escaped"] if text["escaped"] is not None else text["raw"]}"}}'
    found = _INDEX.fullmatch(body)
    if found:
        path = _path(found["path"], loops)
        key = found["at"] or "'" + (found["key"] or "").replace(".", r"\.") + "'"
        return None if path is None else f"{{{path}[{key}]}}"
    path = _path(body, loops)
    whole = path is None or path == _ALL or path.rpartition(".")[2] in _STRUCTURES
    return None if whole else f"{{{path}}}"


def _path(text: str, loops: list[str]) -> str | None:
    """Return a field as jsonpath has it: behind the name of an item stand that item's own fields."""
    match = _PATH.fullmatch(text)
    if match is None or not text:
        return None
    if match["variable"] and not (loops and match["variable"] == loops[-1]):
        return None
    return match["steps"] or _ALL
