"""Label selectors of objects, matched as the API server matches them."""

from collections.abc import Mapping

from gateway.core.canonical import Json


def matches(selector: Mapping[str, Json] | None, labels: Mapping[str, Json]) -> bool:
    """Tell whether a LabelSelector (`matchLabels`, `matchExpressions`) selects labels; None selects nothing."""
    if selector is None:
        return False
    wanted = selector.get("matchLabels") or {}
    plain = all(labels.get(key) == value for key, value in wanted.items())
    return plain and all(_holds(each, labels) for each in selector.get("matchExpressions") or ())


def selector_text(selector: Mapping[str, Json]) -> str:
    """Return the query form of a LabelSelector."""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for each in selector.get("matchExpressions") or ():
        key, operator, values = each["key"], each["operator"], ",".join(each.get("values") or ())
        form = {"In": "{0} in ({1})", "NotIn": "{0} notin ({1})", "Exists": "{0}", "DoesNotExist": "!{0}"}
        parts.append(form[operator].format(key, values))
    return ",".join(parts)


def pod_selector(workload: Mapping[str, Json]) -> str:
    """Return the query that finds the pods of a workload or service; empty when it has no selector."""
    selector = (workload.get("spec") or {}).get("selector") or {}
    if "matchLabels" in selector or "matchExpressions" in selector:
        return selector_text(selector)
    return selector_text({"matchLabels": selector})


def _holds(expression: Mapping[str, Json], labels: Mapping[str, Json]) -> bool:
    key, values = str(expression.get("key")), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return labels.get(key) not in values if key in labels else True
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False
