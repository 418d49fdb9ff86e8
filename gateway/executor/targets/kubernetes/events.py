"""Events, newest last, as `kubectl events` shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.core.step import Step
from gateway.executor.output import Output
from gateway.executor.targets.kubernetes.answers import get
from gateway.executor.targets.kubernetes.calls import collection
from gateway.executor.targets.kubernetes.objects import pages
from gateway.executor.targets.kubernetes.operation import Reading
from gateway.executor.targets.kubernetes.printing import as_json, as_yaml, listed, text_of, without_managed_fields
from gateway.executor.targets.kubernetes.times import age, moment

MAX_EVENTS = 2_000
Event = Mapping[str, Any]


async def read_events(reading: Reading, step: Step, output: Output) -> None:
    """Write the events of a namespace, of all, or of one object. Raises ReadError and CallFailed."""
    params = step.params
    found: list[Event] = []
    query = await _about(reading, params)
    if step.target.selector is not None:
        query["labelSelector"] = step.target.selector
    async for page in pages(reading.cluster, collection("", "v1", "events", step.target.namespace), query):
        found += [event for event in page["items"] if event.get("type") in params.get("types", (event.get("type"),))]
        if len(found) > MAX_EVENTS:
            output.truncated = True
            break
    found = sorted(found, key=_order)
    form = params.get("output", "")
    if form in {"json", "yaml"}:
        document = listed([{**without_managed_fields(event), "apiVersion": "v1", "kind": "Event"} for event in found])
        await output.add((as_json(document) if form == "json" else as_yaml(document)).encode())
    elif found:
        await output.add(events_table(found, everywhere=bool(params.get("all_namespaces"))).encode())
    else:
        where = f" in {step.target.namespace} namespace" if step.target.namespace else ""
        await output.add(f"No events found{where}.\n".encode())


async def events_of(reading: Reading, item: Mapping[str, Any]) -> list[Event]:
    """Return the events about one object, oldest first."""
    metadata = item["metadata"]
    selector = f"involvedObject.name={metadata['name']},involvedObject.uid={metadata['uid']}"
    namespace = metadata.get("namespace") or "default"
    path = collection("", "v1", "events", namespace)
    found = await get(reading.cluster, path, {"fieldSelector": selector, "limit": "100"})
    return sorted(found["items"], key=_order)


def events_table(events: Sequence[Event], *, everywhere: bool = False) -> str:
    """Return events as a table."""
    head = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    rows = [
        [_seen(event), event.get("type", ""), event.get("reason", ""), _object(event), _line(event)] for event in events
    ]
    if everywhere:
        head = ["NAMESPACE", *head]
        rows = [[event["metadata"].get("namespace", ""), *row] for event, row in zip(events, rows, strict=True)]
    return text_of([head, *rows])


def last_seen(event: Event) -> str:
    """Return when an event was seen last."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return str(next((time for time in times if time), ""))


def _order(event: Event) -> float:
    then = moment(last_seen(event))
    return then.timestamp() if then else 0.0


def _seen(event: Event) -> str:
    count = (event.get("series") or {}).get("count") or event.get("count") or 1
    first = event.get("firstTimestamp") or event.get("eventTime") or ""
    return f"{age(last_seen(event))} (x{count} over {age(str(first))})" if count > 1 else age(last_seen(event))


def _object(event: Event) -> str:
    about = event.get("involvedObject") or {}
    return f"{about.get('kind', '')}/{about.get('name', '')}"


def _line(event: Event) -> str:
    return str(event.get("message") or "").strip()


async def _about(reading: Reading, params: Mapping[str, Any]) -> dict[str, str]:
    """Return the query for the events about one object: `pods/web` or `deployments.apps/web`."""
    if "for" not in params:
        return {}
    resource, _, name = str(params["for"]).partition("/")
    kind = await reading.kinds.find(resource)
    return {
        "fieldSelector": f"involvedObject.apiVersion={kind.api_version},involvedObject.kind={kind.kind},"
        f"involvedObject.name={name}"
    }
