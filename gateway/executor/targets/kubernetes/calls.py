"""What the changes need of a cluster's API: requests by path, and what an answer says about whether they were done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import quote

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.executor.targets.kubernetes.bodies import Body

MANAGER = "countermand"
"""Field manager of everything that is written here."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said, good or bad; `body` is the object, or a Status."""

    status: int
    body: Json

    @property
    def ok(self) -> bool:
        """Tell whether it was done."""
        return 200 <= self.status < 300


class Api(Protocol):
    """One cluster with the executor's credentials."""

    async def call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Body | None = None
    ) -> Answer:
        """Send one request; raises CallFailed when there is no answer."""
        ...


class CallFailed(Exception):  # noqa: N818  # an outcome of the wire, told apart by `sent`
    """No answer came; `sent` tells whether the request may have reached the server."""

    def __init__(self, code: str, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Ref:
    """One object by its address."""

    collection: str
    """Path of the collection that holds it."""
    name: str
    namespace: str | None = None

    @property
    def path(self) -> str:
        """Return the path of the object."""
        return f"{self.collection}/{quote(self.name, safe=':@')}"

    @property
    def label(self) -> str:
        """Return how the object is told from its siblings."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def collection(group: str, version: str, resource: str, namespace: str | None) -> str:
    """Return the path of a collection."""
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return f"{root}/namespaces/{namespace}/{resource}" if namespace else f"{root}/{resource}"


def collection_of(step: Step, namespace: str | None) -> str:
    """Return the path of the collection that a step's API names."""
    return collection(str(step.api["group"]), str(step.api["version"]), str(step.api["resource"]), namespace)


def refs_of(step: Step) -> tuple[Ref, ...]:
    """Return the objects that a step names."""
    target = step.target
    return tuple(Ref(collection_of(step, target.namespace), name, target.namespace) for name in target.names)


def write_query(step: Step, *, dry: bool, strict: bool = False) -> dict[str, str]:
    """Return the query of a write; a step that is a dry run itself is never anything else."""
    query = {"fieldManager": MANAGER}
    if dry or step.params.get("dry_run"):
        query["dryRun"] = "All"
    return query | ({"fieldValidation": "Strict"} if strict else {})


@dataclass(frozen=True, slots=True)
class Failure:
    """What a bad answer means for the change that was asked for."""

    status: Literal["not_applied", "unknown"]
    code: str
    detail: str


_CODES = {
    400: "K8S_REQUEST_REFUSED", 401: "K8S_CREDENTIALS_REFUSED", 403: "TARGET_FORBIDDEN", 404: "TARGET_NOT_FOUND",
    405: "K8S_REQUEST_REFUSED", 406: "K8S_REQUEST_REFUSED", 409: "K8S_CONFLICT", 410: "TARGET_NOT_FOUND",
    413: "K8S_REQUEST_REFUSED", 415: "K8S_REQUEST_REFUSED", 422: "K8S_INVALID", 429: "K8S_TOO_MANY_REQUESTS",
}  # fmt: skip
_BEFORE_STORAGE = ("Internal error occurred: failed calling webhook", "Internal error occurred: admission webhook")
_MAX_DETAIL = 500


def failure_of(answer: Answer) -> Failure:
    """Return what a bad answer means: 4xx is a refusal, 5xx leaves it open, except where it came before the store."""
    message = message_of(answer)
    if answer.status == 409 and reason_of(answer) == "AlreadyExists":
        return Failure("not_applied", "K8S_ALREADY_EXISTS", f"the name is taken: {message}")
    if fields_conflict(answer):
        return Failure("not_applied", "K8S_FIELDS_OWNED", f"another manager owns the fields: {message}")
    if answer.status in _CODES:
        return Failure("not_applied", _CODES[answer.status], message)
    if answer.status == 500 and message.startswith(_BEFORE_STORAGE):
        return Failure("not_applied", "K8S_WEBHOOK_FAILED", f"an admission webhook failed: {message}")
    return Failure("unknown", "K8S_SERVER_FAULT", f"{answer.status}: {message}")


def lost(error: CallFailed) -> Failure:
    """Return what a missing answer means for the change that was asked for."""
    return Failure("unknown" if error.sent else "not_applied", error.code, error.detail)


def reason_of(answer: Answer) -> str:
    """Return the machine-readable reason of a Status."""
    return str(answer.body.get("reason", "")) if isinstance(answer.body, Mapping) else ""


def message_of(answer: Answer) -> str:
    """Return the message of a Status, bounded."""
    text = answer.body.get("message", "") if isinstance(answer.body, Mapping) else answer.body
    return str(text)[:_MAX_DETAIL] or f"HTTP {answer.status}"


def moved(answer: Answer) -> bool:
    """Tell whether the object had changed since it was read, so that reading again may help."""
    return answer.status == 409 and reason_of(answer) == "Conflict" and not fields_conflict(answer)


def fields_conflict(answer: Answer) -> bool:
    """Tell whether a server-side apply met fields of another manager."""
    details = answer.body.get("details") if isinstance(answer.body, Mapping) else None
    causes = (details or {}).get("causes") or ()
    return answer.status == 409 and any(each.get("reason") == "FieldManagerConflict" for each in causes)
