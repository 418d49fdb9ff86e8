"""YAML without surprises, for every file that a person writes: settings, executor, policy configuration, METADATA.

What loads here means the same to every YAML reader, OPA's included.

YAML 1.1 and 1.2 readers disagree about `yes`, `010`, `1_000`, `2026-01-01` and `1e3`, last keys win in
some and fail in others, and aliases can grow without bound. All of that is refused: quote it or spell it out.
"""

import re
from typing import Any, ClassVar

import yaml

from gateway.core.canonical import Json

_INT = re.compile(r"-?(0|[1-9][0-9]{0,15})")
_NUMBER_ELSEWHERE = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|0[box][0-9a-fA-F_]+")
MAX_CHARACTERS = 1 << 20
_CONTAINERS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_FLOAT = re.compile(r"-?(0|[1-9][0-9]{0,15})\.[0-9]{1,15}")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, its ambiguous parts refused."""

    tags: ClassVar[dict[str, re.Pattern[str]]] = {
        "tag:yaml.org,2002:int": _INT,
        "tag:yaml.org,2002:float": _FLOAT,
        "tag:yaml.org,2002:bool": re.compile(r"true|false"),
        "tag:yaml.org,2002:null": re.compile(r"null|"),
        "tag:yaml.org,2002:str": re.compile(r".*", re.DOTALL),
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]  # so in types-PyYAML
            raise ValueError(f"line {line}: aliases are not allowed")
        return super().compose_node(parent, index)

    def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001  # PyYAML's signature
        line = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            pattern = self.tags.get(node.tag)
            text = node.tag.endswith(":str") and node.style is None and _NUMBER_ELSEWHERE.fullmatch(node.value)
            if pattern is None or not pattern.fullmatch(node.value) or text:
                raise ValueError(f"line {line}: {node.value!r} is ambiguous YAML; quote it")
            if "\0" in node.value:
                raise ValueError(f"line {line}: a text with NUL")
        elif node.tag not in _CONTAINERS:
            raise ValueError(f"line {line}: the tag {node.tag} is not allowed")
        return super().construct_object(node, deep)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001  # PyYAML's signature
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or not key.tag.endswith(":str"):
                raise ValueError(f"line {line}: keys must be text; quote it")
            if key.value in lines:
                raise ValueError(f"line {line}: {key.value!r} was given in line {lines[key.value]} already")
            lines[key.value] = line
        return super().construct_mapping(node, deep)


def load(text: str) -> Json:
    """Parse one YAML document into JSON values; raises ValueError with the line for anything ambiguous."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"the document is longer than {MAX_CHARACTERS} characters")
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader that allows even less
    except RecursionError as exc:
        raise ValueError("the document is nested too deeply") from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise ValueError(f"{where}{getattr(exc, 'problem', None) or 'not YAML'}") from exc


def dump(value: Json) -> str:
    """Return a JSON value as YAML that `load` takes: without aliases, members in their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        return True
