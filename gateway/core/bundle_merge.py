"""Merge the files of a Rego package into one module.

regorus 0.13 does not resolve the import aliases of a package's later files when the package is reached
through a variable, and loses their findings without an error. One module per package has one set of
aliases, so nothing is lost whatever the order.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_PACKAGE = re.compile(r"package\s+([A-Za-z_][\w.]*)\s*(?:#.*)?")
_IMPORT = re.compile(r"import\s+([A-Za-z_][\w.]*)(?:\s+as\s+([A-Za-z_]\w*))?\s*(?:#.*)?")


@dataclass(frozen=True, slots=True)
class Source:
    """One file, cut into its package, its imports (alias → path) and the lines that follow."""

    path: str
    package: str
    imports: Mapping[str, str]
    body: str
    body_line: int
    """The line of the file that the body starts at, from 1."""


@dataclass(frozen=True, slots=True)
class Module:
    """All files of one package as one text; `origins` maps its lines back."""

    package: str
    text: str
    origins: tuple[tuple[int, str, int], ...]
    """(first line in the module, path, line in that file), ascending."""

    def locate(self, line: int) -> tuple[str, int]:
        """Return the file and line behind a line of the module."""
        found = (self.package, line)
        for first, path, start in self.origins:
            if first > line:
                break
            found = (path, start + line - first)
        return found


def cut(path: str, text: str) -> Source:
    """Cut one file; raises ValueError when its head is not one package line and plain imports."""
    package, imports, lines = "", dict[str, str](), text.splitlines()
    for number, line in enumerate(lines):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if not package:
            package = _package(path, stripped)
        elif stripped.startswith("import"):
            alias, target = _import(path, number + 1, stripped)
            if imports.setdefault(alias, target) != target:
                raise ValueError(f"{path}:{number + 1}: {alias} is imported twice with two meanings")
        else:
            return Source(path, package, imports, "\n".join(lines[number:]) + "\n", number + 1)
    if not package:
        raise ValueError(f"{path}: there is no package line")
    return Source(path, package, imports, "", len(lines) + 1)


def merge(sources: Iterable[Source]) -> tuple[Module, ...]:
    """Return one module per package, sorted; raises ValueError when an alias has two meanings in a package."""
    by_package: dict[str, list[Source]] = {}
    for source in sorted(sources, key=lambda s: s.path):
        by_package.setdefault(source.package, []).append(source)
    return tuple(_module(package, found) for package, found in sorted(by_package.items()))


def reroot(text: str, old: str, new: str) -> str:
    """Move a module's text from one root package to another.

    Safe because the lint refuses string literals that contain `data.<root>`.
    """
    moved = re.sub(rf"\bdata\.{old}\b", f"data.{new}", text)
    return re.sub(rf"^package {old}\b", f"package {new}", moved, count=1, flags=re.MULTILINE)


def _module(package: str, sources: list[Source]) -> Module:
    imports: dict[str, str] = {}
    for source in sources:
        for alias, target in source.imports.items():
            if imports.setdefault(alias, target) != target:
                raise ValueError(
                    f"{source.path}: {alias} means {target} here and {imports[alias]} in another file of {package}"
                )
    head = [f"package {package}", "", *(f"import {target} as {alias}" for alias, target in sorted(imports.items())), ""]
    parts, origins, line = ["\n".join(head) + "\n"], list[tuple[int, str, int]](), len(head) + 1
    for source in sources:
        origins.append((line, source.path, source.body_line))
        parts.append(source.body)
        line += source.body.count("\n")
    return Module(package, "".join(parts), tuple(origins))


def _package(path: str, line: str) -> str:
    match = _PACKAGE.fullmatch(line)
    if match is None:
        raise ValueError(f"{path}: the first line of Rego is not a plain package line")
    return match[1]


def _import(path: str, number: int, line: str) -> tuple[str, str]:
    match = _IMPORT.fullmatch(line)
    if match is None or not match[1].startswith(("data.", "input.")):
        raise ValueError(f"{path}:{number}: an import must name data.… or input.…, with at most one alias")
    return match[2] or match[1].rpartition(".")[2], match[1]
