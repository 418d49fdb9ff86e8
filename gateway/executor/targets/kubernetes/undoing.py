"""How well a change of fields can be taken back, now that the object is known."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.core.step import Step
from gateway.executor.targets.kubernetes.bodies import verb_of
from gateway.executor.targets.kubernetes.ownership import controller_of
from gateway.executor.targets.kubernetes.paths import read
from gateway.executor.targets.kubernetes.schema import ALLOCATED
from gateway.executor.targets.kubernetes.snapshots import Entry

# Verbs whose way back is weaker than the fields say.
_WEAKER: Mapping[str, Undo] = MappingProxyType({"restart": Undo.NEUTRAL, "undo": Undo.COMPENSATING})
# Fields that the API server lets be set, but not unset; or whose setting cannot be taken back in the world.
_ONE_WAY: Mapping[str, frozenset[str]] = MappingProxyType({
    "ConfigMap": frozenset({"immutable"}), "Secret": frozenset({"immutable"}),
    "PersistentVolumeClaim": frozenset({"spec"}),
})  # fmt: skip
_METADATA_ONE_WAY = frozenset({"finalizers", "ownerReferences"})


def undo_class(step: Step, document: Mapping[str, Json], entry: Entry) -> Undo:
    """Return the undo class of a change to one object."""
    paths = [read(path) for path in entry.change.before]
    one_way = _ONE_WAY.get(str(document.get("kind", "")), frozenset())
    if any(path[0] in one_way or (path[0] == "metadata" and path[1] in _METADATA_ONE_WAY) for path in paths):
        return Undo.NONE
    # What the server picks inside a new element is picked anew in the real run: nobody knows what to take back.
    if any(isinstance(value, Mapping) and ALLOCATED & value.keys() for value in entry.change.after.values()):
        return Undo.NONE
    weaker = _WEAKER.get(verb_of(step))
    if weaker is not None:
        return weaker
    # A pod that leaves its ReplicaSet is replaced; coming back it is one too many.
    owned_pod = document.get("kind") == "Pod" and controller_of(document) is not None
    relabelled = any(path[:2] == ("metadata", "labels") for path in paths)
    return Undo.COMPENSATING if owned_pod and relabelled else Undo.EXACT


def fought(facts: Mapping[str, Json], entry: Entry) -> bool:
    """Tell whether a controller sets a field that we set: an autoscaler the replicas, an owner anything of the spec."""
    paths = set(entry.change.before)
    for each in facts.get("controllers") or ():
        if each["kind"] == "HorizontalPodAutoscaler":
            if "/spec/replicas" in paths:
                return True
        elif any(path.startswith("/spec") for path in paths):
            return True
    return False
