"""Every field that the sources write into a leaf is classified; one that is not would be recorded as an HMAC only."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.core.kinds import LeafKind
from gateway.core.leaffields import FIELDS

SOURCES = Path(__file__).parents[2] / "gateway"


def literal_bodies(tree: ast.AST) -> Iterator[tuple[LeafKind, str, int]]:
    """Yield (kind, field, line) of every `(K.KIND, {...})` and `global_leaf(…, K.KIND, {...})`."""
    for node in ast.walk(tree):
        parts = node.elts if isinstance(node, ast.Tuple) else node.args if isinstance(node, ast.Call) else []
        for kind, body in pairwise(parts):
            if isinstance(kind, ast.Attribute) and kind.attr in LeafKind.__members__ and isinstance(body, ast.Dict):
                names = (key.value for key in body.keys if isinstance(key, ast.Constant))
                yield from ((LeafKind[kind.attr], str(name), body.lineno) for name in names)


def test_every_literal_field_is_classified() -> None:
    found, unknown = 0, []
    for path in sorted(SOURCES.rglob("*.py")):
        for kind, name, line in literal_bodies(ast.parse(path.read_text(encoding="utf-8"))):
            found += 1
            if name not in FIELDS[kind]:
                unknown.append(f"{path.name}:{line}: {kind.name} {name}")
    assert unknown == []
    assert found


@pytest.mark.parametrize("source", ["x = (K.VOTE, {'surprise': 1})", "leaf(tx, K.VOTE, {'surprise': 1})"])
def test_an_unclassified_field_would_be_found(source: str) -> None:
    assert list(literal_bodies(ast.parse(source))) == [(LeafKind.VOTE, "surprise", 1)]
