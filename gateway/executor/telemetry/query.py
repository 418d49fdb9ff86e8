"""Read the query of a check; it names what this executor's configuration or a metric system already knows."""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.errors import TargetFault


def text(query: Mapping[str, Json], name: str, default: str | None = None) -> str:
    """Return a text member; raises TargetFault when it is something else or missing without a default."""
    value = query.get(name, default)
    if not isinstance(value, str) or not value:
        raise TargetFault("QUERY_MALFORMED", f"{name} must be a text")
    return value


def integer(query: Mapping[str, Json], name: str, default: int, low: int, high: int) -> int:
    """Return an integer member within [low, high]; raises TargetFault."""
    value = query.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise TargetFault("QUERY_MALFORMED", f"{name} must be an integer from {low} to {high}")
    return value


def members(query: Mapping[str, Json], allowed: frozenset[str]) -> None:
    """Refuse members that a provider does not know: a misspelt one would sample something else."""
    foreign = sorted(set(query) - allowed)
    if foreign:
        raise TargetFault("QUERY_MALFORMED", f"{foreign[0]} is not a member of this query")


def number(value: object) -> float | None:
    """Return a finite number, or None for a missing one; raises TargetFault for anything else."""
    if value is None:
        return None
    try:
        found = float(value)  # type: ignore[arg-type]  # whatever it is, float() says whether it is a number
    except (TypeError, ValueError) as exc:
        raise TargetFault("SAMPLE_NOT_A_NUMBER", "the answer is not a number") from exc
    if found != found or found in {float("inf"), float("-inf")}:  # noqa: PLR0124  # NaN differs from itself
        return None
    return found


def filling(query: Mapping[str, Json]) -> dict[str, str]:
    """Return the values of a query's placeholders as text; raises TargetFault for what is neither text nor number."""
    params = query.get("params", {})
    if not isinstance(params, Mapping):
        raise TargetFault("QUERY_MALFORMED", "params must map names to values")
    if not all(isinstance(v, str | int | float) and not isinstance(v, bool) for v in params.values()):
        raise TargetFault("QUERY_MALFORMED", "a param is a text or a number")
    return {str(name): str(value) for name, value in params.items()}
