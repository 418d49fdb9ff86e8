"""How pods fare on kwok's nodes: an image's tag says it, because nothing really runs.

    :bad… or :missing…   is never pulled: ImagePullBackOff, the pod stays Pending
    :crash…    starts and dies: CrashLoopBackOff, restartCount 3, not ready
    :unready…  runs, and never becomes ready
    :slow…     becomes ready after 5 s
    other      runs and is ready at once; a pod of a Job completes

A deleted pod goes at once, or after 3 s if it has the label `countermand.test/slow-stop`.
"""

import json
from typing import Any

Json = dict[str, Any]
_GROUP = "kwok.x-k8s.io/v1alpha1"


def config(log_file: str) -> str:
    """Return kwok's configuration; every container's log is `log_file`."""
    documents: list[Json] = [
        _stage(
            "pod-bad",
            ":(bad|missing)",
            _status("Pending", ready=False, state=_waiting("ImagePullBackOff", "Back-off pulling image")),
            event=("Failed", "Error: ImagePullBackOff"),
        ),
        _stage(
            "pod-crash",
            ":crash",
            _status("Running", ready=False, state=_waiting("CrashLoopBackOff", "back-off restarting"), restarts=3),
            event=("BackOff", "Back-off restarting failed container"),
        ),
        _stage("pod-unready", ":unready", _status("Running", ready=False, state=_RUNNING)),
        _stage("pod-slow", ":slow", _status("Running", ready=True, state=_RUNNING), delay_ms=5_000),
        _stage("pod-ready", "", _status("Running", ready=True, state=_RUNNING)),
        _job_pod(),
        _delete("pod-delete", slow=False),
        _delete("pod-delete-slow", slow=True),
        {
            "apiVersion": _GROUP,
            "kind": "ClusterLogs",
            "metadata": {"name": "all"},
            "spec": {"logs": [{"logsFile": log_file}]},
        },
    ]
    return "---\n".join(json.dumps(document) + "\n" for document in documents)


_RUNNING = "running:\n        startedAt: {{ Now | Quote }}"


def _waiting(reason: str, message: str) -> str:
    return f'waiting:\n        reason: {reason}\n        message: {{{{ printf "{message} %s" .image | Quote }}}}'


def _status(phase: str, *, ready: bool, state: str, restarts: int = 0) -> str:
    """Return the template of a pod's status."""
    word = '"True"' if ready else '"False"'
    flag = str(ready).lower()
    why = "" if ready else "\n  reason: ContainersNotReady\n  message: containers with unready status"
    pod_ip = (
        '{{ PodIPWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" )'
        ' ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}'
    )
    return f"""
phase: {phase}
hostIP: {{{{ NodeIPWith .spec.nodeName | Quote }}}}
podIP: {pod_ip}
startTime: {{{{ Now | Quote }}}}
conditions:
- type: Initialized
  status: "True"
  lastTransitionTime: {{{{ Now | Quote }}}}
- type: ContainersReady
  status: {word}{why}
  lastTransitionTime: {{{{ Now | Quote }}}}
- type: Ready
  status: {word}{why}
  lastTransitionTime: {{{{ Now | Quote }}}}
containerStatuses:
{{{{ range .spec.containers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  imageID: ""
  ready: {flag}
  started: {flag}
  restartCount: {restarts}
  state:
      {state}
{{{{ end }}}}
"""


_ALIVE: Json = {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}
_MARKED = ":(bad|missing|crash|unready|slow)"


def _stage(name: str, tag: str, status: str, *, delay_ms: int = 0, event: tuple[str, str] | None = None) -> Json:
    """Return the first status of a pod: with an image of this tag, or ("") with none of the special tags."""
    pattern = tag or _MARKED
    then: Json = {"statusTemplate": status}
    if event:
        then["event"] = {"type": "Warning", "reason": event[0], "message": event[1]}
    return _pod_stage(
        name,
        [
            _ALIVE,
            {"key": ".status.podIP", "operator": "DoesNotExist"},
            {
                "key": f'.spec.containers[] | select(.image | test("{pattern}")) | .name',
                "operator": "Exists" if tag else "DoesNotExist",
            },
        ],
        then,
        delay_ms,
    )


def _job_pod() -> Json:
    return _pod_stage(
        "pod-complete",
        [
            _ALIVE,
            {"key": ".status.phase", "operator": "In", "values": ["Running"]},
            {"key": ".metadata.ownerReferences.[].kind", "operator": "In", "values": ["Job"]},
        ],
        {"statusTemplate": _COMPLETED},
    )


_COMPLETED = """
phase: Succeeded
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: 0
      reason: Completed
      startedAt: {{ Now | Quote }}
      finishedAt: {{ Now | Quote }}
{{ end }}
"""


def _delete(name: str, *, slow: bool) -> Json:
    return _pod_stage(
        name,
        [
            {"key": ".metadata.deletionTimestamp", "operator": "Exists"},
            {
                "key": '.metadata.labels["countermand.test/slow-stop"]',
                "operator": "Exists" if slow else "DoesNotExist",
            },
        ],
        {"finalizers": {"empty": True}, "delete": True},
        3_000 if slow else 0,
    )


def _pod_stage(name: str, selector: list[Json], then: Json, delay_ms: int = 0) -> Json:
    spec: Json = {
        "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
        "selector": {"matchExpressions": selector},
        "next": then,
    }
    if delay_ms:
        spec["delay"] = {"durationMilliseconds": delay_ms}
    return {"apiVersion": _GROUP, "kind": "Stage", "metadata": {"name": name}, "spec": spec}
