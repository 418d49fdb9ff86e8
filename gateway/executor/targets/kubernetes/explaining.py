"""`explain`: the documentation of a kind or field, from the cluster's own OpenAPI v3 documents."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.core.discovery import ServedKind
from gateway.core.step import Step
from gateway.executor.output import Output
from gateway.executor.targets.kubernetes.answers import ReadError, get
from gateway.executor.targets.kubernetes.operation import Reading

_GVK = "x-kubernetes-group-version-kind"
_WIDTH = 80
_DEPTH = 16
_VALUES = 4
"""Values of an enumeration that a list of fields shows, as with kubectl."""
Schema = Mapping[str, Any]


async def explain(reading: Reading, step: Step, output: Output) -> None:
    """Write what a kind or one of its fields is. Raises ReadError and CallFailed."""
    plural, *fields = str(step.params["path"]).split(".")
    kind = await _kind(reading, plural)
    api_version = str(step.params.get("api_version", kind.api_version))
    where = f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"
    listed = (await get(reading.cluster, "/openapi/v3"))["paths"]
    if where not in listed:
        raise ReadError("K8S_KIND_NOT_SERVED", f"the cluster does not describe {api_version}; see api-versions")
    schemas = (await get(reading.cluster, listed[where]["serverRelativeURL"].partition("?")[0]))["components"][
        "schemas"
    ]
    group, _, version = api_version.rpartition("/")
    wanted = {"group": group, "version": version, "kind": kind.kind}
    found = next((each for each in schemas.values() if wanted in (each.get(_GVK) or ())), None)
    if found is None:
        raise ReadError("K8S_KIND_NOT_SERVED", f"the cluster does not describe {kind.kind} in {api_version}")
    head = [f"GROUP:      {group}"] if group else []
    head += [f"KIND:       {kind.kind}", f"VERSION:    {version}", ""]
    pages = _Pages(schemas, recursive=bool(step.params.get("recursive")))
    await output.add(("\n".join([*head, *pages.page(found, fields)]) + "\n").encode())


async def _kind(reading: Reading, plural: str) -> ServedKind:
    for kind in await reading.kinds.all():
        if kind.plural == plural:
            return kind
    raise ReadError("K8S_KIND_NOT_SERVED", f"the cluster does not serve {plural}; see api-resources")


class _Pages:
    """The pages of one group version's schemas."""

    def __init__(self, schemas: Mapping[str, Schema], *, recursive: bool) -> None:
        self._schemas = schemas
        self._recursive = recursive

    def page(self, schema: Schema, fields: list[str]) -> Iterator[str]:
        """Yield the lines about a schema or about a field below it. Raises ReadError."""
        about, told = self._resolved(schema), str(schema.get("description") or "")
        for name in fields:
            inside = self._inside(about).get("properties") or {}
            if name not in inside:
                raise ReadError("K8S_FIELD_UNKNOWN", f"there is no field {name}; explain the part before it")
            field = inside[name]
            about, told = self._resolved(field), str(field.get("description") or "")
            own = f"FIELD: {name} <{self._type(field)}>"
        if fields:
            values = [f"    {value}" for value in sorted(about.get("enum") or ())]
            yield from (own, *(["ENUM:", *values] if values else [""]), "")
        yield "DESCRIPTION:"
        inner = str(self._inside(about).get("description") or "")
        for text in dict.fromkeys(each for each in (told, inner) if each):
            yield from _wrapped(text, 4)
        yield "    "
        members = self._inside(about).get("properties") or {}
        if members:
            yield "FIELDS:"
            yield from self._fields(self._inside(about), 2, _DEPTH)
        yield ""

    def _fields(self, schema: Schema, indent: int, depth: int) -> Iterator[str]:
        required = set(schema.get("required") or ())
        for name, field in sorted((schema.get("properties") or {}).items()):
            mark = " -required-" if name in required else ""
            yield f"{' ' * indent}{name}\t<{self._type(field)}>{mark}"
            if values := [value or '""' for value in sorted(field.get("enum") or ())]:
                yield f"{' ' * indent}enum: {', '.join([*values[:_VALUES], *(['....'] if values[_VALUES:] else [])])}"
            if self._recursive:
                below = self._inside(self._resolved(field))
                if depth and below.get("properties"):
                    yield from self._fields(below, indent + 2, depth - 1)
            else:
                yield from _wrapped(str(field.get("description") or "<no description>"), indent + 2)
                yield ""

    def _resolved(self, schema: Schema) -> Schema:
        """Follow a reference."""
        reference = _reference(schema)
        return self._schemas.get(str(reference).rpartition("/")[2], {}) if reference else schema

    def _inside(self, schema: Schema) -> Schema:
        """Return the schema of a list's or map's values, or the schema itself."""
        below = schema.get("items") or schema.get("additionalProperties")
        return self._inside(self._resolved(below)) if isinstance(below, Mapping) else schema

    def _type(self, schema: Schema) -> str:
        reference = _reference(schema)
        if reference:
            plain = self._resolved(schema).get("type", "object")
            return str(plain) if plain != "object" else reference.rpartition(".")[2]
        if schema.get("type") == "array":
            return f"[]{self._type(schema['items'])}"
        if isinstance(schema.get("additionalProperties"), Mapping):
            return f"map[string]{self._type(schema['additionalProperties'])}"
        return str(schema.get("type", "Object")).replace("object", "Object")


def _reference(schema: Schema) -> str:
    """Return what a schema refers to; a reference with a default is wrapped in an `allOf` of one."""
    parts: list[Schema] = schema.get("allOf") or []
    return str(schema.get("$ref") or (parts[0].get("$ref", "") if len(parts) == 1 else ""))


def _wrapped(text: str, indent: int) -> Iterator[str]:
    for paragraph in text.split("\n"):
        if not paragraph.strip():
            yield " " * indent
        else:
            yield from textwrap.wrap(
                paragraph, _WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent,
                break_on_hyphens=False, break_long_words=False,
            )  # fmt: skip
