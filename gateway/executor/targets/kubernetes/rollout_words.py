"""How far a rollout is, in kubectl's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.executor.targets.kubernetes.rollouts import number_of

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a rollout."""

    text: str
    done: bool = False
    failed: bool = False


def progress(item: Item, revision: int = 0) -> Progress:
    """Return how far the rollout of a Deployment, DaemonSet or StatefulSet is."""
    if item["kind"] != "Deployment" and _strategy(item) != "RollingUpdate":
        return Progress("rollout status is only available for RollingUpdate strategy type", failed=True)
    if item["kind"] == "Deployment":
        return _deployment(item, revision)
    return _daemon_set(item) if item["kind"] == "DaemonSet" else _stateful_set(item)


def _deployment(item: Item, revision: int) -> Progress:
    name, status = item["metadata"]["name"], item.get("status") or {}
    running = number_of(item)
    if revision and running != revision:
        return Progress(
            f"desired revision ({revision}) is different from the running revision ({running})", failed=True
        )
    if item["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return Progress("Waiting for deployment spec update to be observed...")
    reasons = [each.get("reason") for each in status.get("conditions") or () if each["type"] == "Progressing"]
    if "ProgressDeadlineExceeded" in reasons:
        return Progress(f'deployment "{name}" exceeded its progress deadline', failed=True)
    return _replicas(item)


def _replicas(item: Item) -> Progress:
    name, status = item["metadata"]["name"], item.get("status") or {}
    wanted, updated = item["spec"].get("replicas", 1), status.get("updatedReplicas", 0)
    there, available = status.get("replicas", 0), status.get("availableReplicas", 0)
    begin = f'Waiting for deployment "{name}" rollout to finish:'
    if updated < wanted:
        return Progress(f"{begin} {updated} out of {wanted} new replicas have been updated...")
    if there > updated:
        return Progress(f"{begin} {there - updated} old replicas are pending termination...")
    if available < updated:
        return Progress(f"{begin} {available} of {updated} updated replicas are available...")
    return Progress(f'deployment "{name}" successfully rolled out', done=True)


def _daemon_set(item: Item) -> Progress:
    name, status = item["metadata"]["name"], item.get("status") or {}
    if item["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return Progress("Waiting for daemon set spec update to be observed...")
    wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
    begin = f'Waiting for daemon set "{name}" rollout to finish:'
    if updated < wanted:
        return Progress(f"{begin} {updated} out of {wanted} new pods have been updated...")
    if (available := status.get("numberAvailable", 0)) < wanted:
        return Progress(f"{begin} {available} of {wanted} updated pods are available...")
    return Progress(f'daemon set "{name}" successfully rolled out', done=True)


def _stateful_set(item: Item) -> Progress:
    spec, status = item["spec"], item.get("status") or {}
    if item["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return Progress("Waiting for statefulset spec update to be observed...")
    wanted, ready, updated = spec.get("replicas", 1), status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if ready < wanted:
        return Progress(f"Waiting for {wanted - ready} pods to be ready...")
    rolling = (spec.get("updateStrategy") or {}).get("rollingUpdate")
    revision = status.get("updateRevision", "")
    if rolling is not None:  # the server always sets it, with a partition of 0
        if updated < (due := wanted - int(rolling.get("partition") or 0)):
            begin = "Waiting for partitioned roll out to finish:"
            return Progress(f"{begin} {updated} out of {due} new pods have been updated...")
        return Progress(f"partitioned roll out complete: {updated} new pods have been updated...", done=True)
    if revision != status.get("currentRevision", ""):
        return Progress(f"waiting for statefulset rolling update to complete {updated} pods at revision {revision}...")
    current = status.get("currentReplicas", 0)
    return Progress(f"statefulset rolling update complete {current} pods at revision {revision}...", done=True)


def _strategy(item: Item) -> str:
    return str((item["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate"))
