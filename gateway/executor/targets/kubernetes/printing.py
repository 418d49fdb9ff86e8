"""Objects as kubectl prints them: json, yaml, name, jsonpath, custom-columns; and in what order."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import yaml

from gateway.core.canonical import Json
from gateway.executor.targets.kubernetes.answers import ReadError
from gateway.executor.targets.kubernetes.jsonpath import TemplateError, parse, relaxed
from gateway.executor.targets.kubernetes.jsonpath_eval import Evaluation, sprint
from gateway.executor.targets.kubernetes.tables import aligned, cell

T = TypeVar("T")
_TEXT = "tag:yaml.org,2002:str"
_NUMBERS = re.compile(r"(\d+)")


def listed(items: Sequence[Mapping[str, Any]]) -> dict[str, Json]:
    """Return the list that kubectl makes of several objects."""
    return {"apiVersion": "v1", "items": list(items), "kind": "List", "metadata": {"resourceVersion": ""}}


def without_managed_fields(item: Mapping[str, Any]) -> dict[str, Json]:
    """Return an object without what it says about who manages which field."""
    metadata = item.get("metadata") or {}
    if "managedFields" not in metadata:
        return dict(item)
    return {**item, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def as_json(document: Json) -> str:
    """Return a document as indented JSON."""
    return json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False) + "\n"


def as_yaml(document: Json) -> str:
    """Return a document as YAML; a text of several lines is a block."""
    made: str = yaml.dump(document, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=1 << 30)
    return made


def as_names(items: Sequence[Mapping[str, Any]]) -> str:
    """Return `pod/web` or `deployment.apps/web`, a line each."""
    return "".join(f"{named(item)}\n" for item in items)


def named(item: Mapping[str, Any]) -> str:
    """Return `pod/web` or `deployment.apps/web`."""
    group, slash, _ = str(item.get("apiVersion", "")).partition("/")
    kind = str(item.get("kind", "")).lower()
    return f"{kind}{'.' + group if slash else ''}/{item['metadata']['name']}"


def as_jsonpath(document: Json, template: str) -> str:
    """Return what a jsonpath template prints. Raises ReadError."""
    return _templated(lambda: Evaluation().text(parse(template), document))


def as_columns(items: Sequence[Mapping[str, Any]], spec: str) -> str:
    """Return a table of `HEADER:.path,…`. Raises ReadError."""

    def made() -> str:
        columns = [(head, relaxed(path)) for head, _, path in (part.partition(":") for part in spec.split(","))]
        run = Evaluation()
        rows = [[_joined(run.values(path, item)) for _, path in columns] for item in items]
        return text_of([[head for head, _ in columns], *rows])

    return _templated(made)


def in_order(items: Sequence[Mapping[str, Any]], path: str) -> list[Mapping[str, Any]]:
    """Return objects in the order of a field; those without it come first. Raises ReadError."""

    def made() -> list[Mapping[str, Any]]:
        key, run = relaxed(path), Evaluation()
        found = [(run.values(key, item), item) for item in items]
        if found and not any(values for values, _ in found):
            raise TemplateError(f"no object has the field {path}")
        return [item for _, item in sorted(found, key=lambda pair: sort_key(pair[0]))]

    return _templated(made)


def sort_key(values: Sequence[Json]) -> tuple[object, ...]:
    """Return how a field is ordered: none, then numbers, then texts with the numbers in them as numbers."""
    if not values or values[0] is None:
        return (0,)
    value = values[0]
    if isinstance(value, int | float):
        return (1, value)
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in _NUMBERS.split(sprint(value)) if part]
    return (2, parts)


def text_of(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as aligned lines."""
    return "".join(f"{line}\n" for line in aligned(rows))


def _joined(values: Sequence[Json]) -> str:
    return ",".join(cell(sprint(value)) for value in values) or "<none>"


def _templated(make: Callable[[], T]) -> T:
    try:
        return make()
    except (TemplateError, RecursionError) as exc:
        detail = str(exc) if isinstance(exc, TemplateError) else "nested too deeply"
        raise ReadError("K8S_TEMPLATE_REFUSED", f"{detail}; ask for -o json instead") from exc


class _Dumper(yaml.CSafeDumper):
    """Writes YAML as kubectl does where PyYAML has another habit."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never write the same value as an alias."""
        del data
        return True


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    resolved: str = dumper.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]  # of PyYAML
    if style is None and resolved != _TEXT:
        style = '"'  # what would read as a number, a date or a truth value
    return dumper.represent_scalar(_TEXT, value, style=style)


_Dumper.add_representer(str, _text)
