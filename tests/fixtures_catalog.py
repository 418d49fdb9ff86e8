"""One catalog with the real tables, loaded once, and short ways to parse with it."""

from functools import lru_cache
from pathlib import Path

from gateway.adapters.tables import load_tables
from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.parse import parse, parse_typed
from gateway.parsing.result import ParsedStep, Refusal

CORPORA = Path(__file__).parent / "corpora"
REGIONS = ("eu-west-1", "us-east-1")


@lru_cache
def catalog() -> Catalog:
    kubectl, aws = load_tables()
    scopes = (
        Scope("prod-eu", "kubernetes"),
        Scope("acme", "aws", default_region=REGIONS[0], regions=REGIONS),
    )
    return Catalog({scope.name: scope for scope in scopes}, kubectl, aws)


def step(command: str) -> ParsedStep:
    """Parse one command that must be understood."""
    parsed = parse(command.encode(), catalog())
    assert not isinstance(parsed, Refusal), (command, parsed)
    (only,) = parsed.steps
    return only


def refusal(command: str) -> Refusal:
    """Parse one command that must not be understood."""
    parsed = parse(command.encode(), catalog())
    assert isinstance(parsed, Refusal), (command, parsed)
    return parsed


def typed(value: dict[str, object]) -> ParsedStep:
    """Parse one typed step that must be understood."""
    parsed = parse_typed([value], [], catalog())
    assert not isinstance(parsed, Refusal), (value, parsed)
    (only,) = parsed.steps
    return only


def typed_refusal(value: dict[str, object]) -> Refusal:
    """Parse one typed step that must not be understood."""
    parsed = parse_typed([value], [], catalog())
    assert isinstance(parsed, Refusal), (value, parsed)
    return parsed


def as_typed(parsed: ParsedStep) -> dict[str, object]:
    """Say a parsed step in typed form."""
    whole = parsed.step.to_json()
    target = {k: v for k, v in whole["target"].items() if k not in {"id", "fanout"}}
    return {member: whole[member] for member in ("tool", "operation", "params", "api")} | {"target": target}


def lines(corpus: str) -> list[str]:
    """Return the lines of one corpus, comments left out."""
    text = (CORPORA / f"{corpus}.txt").read_text()
    return [line for line in text.splitlines() if line.strip() and not line.startswith("# ")]


def rows(corpus: str, separator: str = "|") -> list[tuple[str, str]]:
    """Return the lines of a corpus of two columns."""
    pairs = [line.split(f" {separator} ", 1) for line in lines(corpus)]
    return [(left.strip(), right) for left, right in pairs]
