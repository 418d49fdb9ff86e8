"""The fields of every kind of leaf and the class of each; a field that is not here is secret."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from gateway.core.kinds import LeafKind as K


class FieldClass(StrEnum):
    """How a field is recorded."""

    PUBLIC = "public"
    """As it is: ids, digests, codes, numbers, states."""
    SENSITIVE = "sensitive"
    """After the pattern net: text and values that people, agents or targets wrote."""
    SECRET = "secret"  # noqa: S105  # the name of a class
    """Only its HMAC."""


def _fields(public: str, sensitive: str = "", secret: str = "") -> Mapping[str, FieldClass]:
    classes = ((public, FieldClass.PUBLIC), (sensitive, FieldClass.SENSITIVE), (secret, FieldClass.SECRET))
    return MappingProxyType({name: cls for names, cls in classes for name in names.split()})


_STEP = "step fence target digest status code cause"
_BOUND = "plan_digest decision_digest state_digest nonce"
_WHO = "by agent owner assurance groups"

FIELDS: Mapping[K, Mapping[str, FieldClass]] = MappingProxyType(
    {
        K.PROPOSAL: _fields(
            f"{_WHO} on_behalf_of door request_id incident hypothesis scope audience environments plan_digest digest"
            " connectors operations targets effects ttl_s lease_s code span model_tier schema doc_digest created_ms",
            "steps text justification args",
            "params raw",
        ),
        K.OBSERVATION: _fields(
            "state_digest observation executor instance fence undo_class undo_classes status code round",
            "facts preflight baseline detail",
            "snapshot",
        ),
        K.DECISION: _fields(
            "stage verdict per_step because codes requirements obligations revision decision_digest input_digest"
            " tier engine micros purpose round by reason state_digest plan_digest undo_class incident",
            "findings detail",
            "input",
        ),
        K.REQUEST: _fields(f"{_BOUND} approvals expires_ms voids notify", "summary"),
        K.GRANT: _fields(
            "kind purpose grant_id audience not_before_ms expires_ms kid envelope undo_envelope nonce tier",
        ),
        K.VOTE: _fields(
            f"{_BOUND} {_WHO} subject method choice approve counted why evidence at_ms round row", "comment"
        ),
        K.VOID: _fields(f"{_BOUND} reason at_ms voids votes", "before after"),
        K.ATTEMPT: _fields(
            "purpose fence executor instance work_id nonce status step first_step deadline_ms at_ms code locks incident"
            " row",
            "detail",
        ),
        K.INTENT: _fields(_STEP),
        K.OUTCOME: _fields(
            f"{_STEP} truncated output_digest output_bytes steps reason counted deadline_ms",
            "detail after parts",
            "output",
        ),
        K.PROBE: _fields(_STEP, "detail after parts"),
        K.SAMPLE: _fields("check at_ms value values samples count missing fence profile"),
        K.VERDICT: _fields("verdict cause checks reasons flagged samples missing profile profiles baseline code"),
        K.CONFLICT: _fields(f"{_STEP} fields", "before ours theirs detail"),
        K.RECEIPT: _fields("receipt_id envelope digest outcome kid verdict cause"),
        K.UNDO_INTENT: _fields(f"{_STEP} undo_digest undo_class by reason steps"),
        K.UNDO_OUTCOME: _fields(f"{_STEP} attempt counted deadline_ms", "detail edits"),
        K.READ_BACK: _fields(f"{_STEP} equal read_back_digest", "read_back expected"),
        K.EXPIRY: _fields("timer reason deadline_ms round"),
        K.REVOCATION: _fields("reason revision kid by switch grant_id"),
        K.REFUSAL: _fields("code executor instance purpose fence work_id", "detail"),
        K.CANCELLATION: _fields(_WHO, "reason"),
        K.ABORT: _fields(f"{_WHO} cause", "reason"),
        K.LEASE: _fields(f"{_WHO} change ends_ms ttl_s cause"),
        K.SUPERSESSION: _fields("by target targets"),
        K.RESOLUTION: _fields(f"{_WHO} resolution", "comment"),
        K.ACKNOWLEDGEMENT: _fields(f"{_WHO} answer", "comment"),
        K.NOTIFICATION: _fields(
            "channel to status reason code attempt incident action targets",
            "title detail message",
        ),
        K.DRIFT: _fields(
            "change entry step target path manager name file owner due_ms how by proposal row",
            "before after reference",
        ),
        K.MISHAP: _fields("places"),
        K.SWITCH: _fields(f"{_WHO} switch kind change environment action row", "reason"),
        K.KEY_EVENT: _fields("change kid alg jwk by at_ms", "reason"),
        K.BUNDLE: _fields("change revision previous by signed_by codes code engine", "reason detail"),
        K.RESTART: _fields("instance version role open crash gap_ms schema reason timing"),
        K.SECURITY: _fields(
            "code finding purpose severity agent executor source caller door subject grant_id",
            "detail",
        ),
        K.DEAD_LETTER: _fields("sink index code", "detail"),
        K.REQUEST_ANSWERED: _fields("caller request_id row"),
        K.DISCOVERY: _fields("scope digest doc_digest executor served"),
        K.INCIDENT_OPENED: _fields("incident source alert_ms by severity opened_ms row", "title labels summary"),
        K.HYPOTHESIS: _fields("incident hypothesis state by row", "text statement evidence"),
        K.CAUSE: _fields("incident hypothesis by row", "text statement evidence"),
        K.INCIDENT_CLOSED: _fields("incident by reason row", "text summary"),
    }
)

PUBLIC: Mapping[K, frozenset[str]] = MappingProxyType(
    {
        kind: frozenset(name for name, of in classes.items() if of is FieldClass.PUBLIC)
        for kind, classes in FIELDS.items()
    }
)
"""The fields of every kind that are recorded as they are."""
