"""An agent that answers a bug by rolling forward, on Kubernetes.

    python -m examples.sre_agent.rollout --gateway unix:/run/countermand/agent.sock

It believes the alert: the pipeline says which version mends the bug. It reads the Deployment, proposes the new image,
and learns from Countermand what came of it. It holds no kubeconfig and runs no kubectl.
"""

import argparse
import re

from agent_client import RESTING, Action, CountermandError, Incident, State, connect

from .desk import Desk, Stuck
from .report import Report

_PATIENCE_S = 90.0
_IMAGE = re.compile(r"^(?P<repository>[^\s:@]+(?::[0-9]+(?=/))?[^\s:@]*):(?P<tag>[\w.-]+)$")


class Agent:
    """Works on one incident about one Deployment."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._kubectl = ""
        self._name = ""

    def run(self) -> None:
        """Do the whole job; raises Stuck when something is not as it has to be."""
        desk = self._desk
        incident = desk.wait_for_incident(_PATIENCE_S)
        labels = incident.labels
        self._kubectl, self._name = f"kubectl -n {labels['namespace']}", labels["deployment"]
        bug = desk.suppose(f"the running version of {self._name} has the bug; {labels['mended_in']} mends it")
        self._look(bug)
        first = self._release("release", labels["mended_in"], bug)
        self._propose_what_is_denied(incident, bug)
        desk.conclude(bug, holds=first.state is State.COMMITTED, text=f"the rollout came to {first.state}")
        scaled = self._scale("more room", bug)
        self._release("second release", labels["fallback"], desk.suppose(f"{labels['fallback']} mends it as well"))
        desk.wait("more room", scaled, frozenset(), _PATIENCE_S)
        desk.check_receipts()

    def _look(self, hypothesis: str) -> str:
        """Read how things stand; returns the image that runs."""
        deployment = f"{self._kubectl} get deployment {self._name}"
        self._desk.read(deployment, hypothesis, f"how {self._name} stands")
        self._desk.read(f"{self._kubectl} get pods -l app={self._name} -o wide", hypothesis, "its pods, and where")
        self._desk.read(f"{self._kubectl} rollout history deployment/{self._name}", hypothesis, "what was released")
        jsonpath = "{.spec.template.spec.containers[0].image}"
        text, _ = self._desk.read(f"{deployment} -o jsonpath='{jsonpath}'", hypothesis, "the image that runs")
        return text.strip()

    def _release(self, name: str, version: str, hypothesis: str) -> Action:
        """Propose an image of another version, and wait for what comes of it."""
        found = _IMAGE.match(self._look(hypothesis))
        if found is None:
            raise Stuck(f"{self._name} runs an image without a tag")
        image = f"{found['repository']}:{version}"
        command = f"{self._kubectl} set image deployment/{self._name} {self._name}={image}"
        return self._change(name, command, hypothesis, f"roll forward to {version}: the pipeline says it mends the bug")

    def _scale(self, name: str, hypothesis: str) -> Action:
        text, _ = self._desk.read(
            f"{self._kubectl} get deployment {self._name} -o jsonpath='{{.spec.replicas}}'", hypothesis, "its size"
        )
        command = f"{self._kubectl} scale deployment/{self._name} --replicas={int(text) + 1}"
        return self._change(name, command, hypothesis, "one replica more: it takes the load of the retries")

    def _change(self, name: str, command: str, hypothesis: str, why: str) -> Action:
        action = self._desk.propose(name, command, hypothesis=hypothesis, why=why)
        if action.state is State.AWAITING_APPROVAL:
            self._desk.wait(name, action, frozenset({State.AWAITING_APPROVAL}), _PATIENCE_S)
        return self._desk.wait(name, action, RESTING - {State.AWAITING_APPROVAL, State.PROPOSED}, _PATIENCE_S)

    def _propose_what_is_denied(self, incident: Incident, hypothesis: str) -> None:
        """Do what a careless model does sooner or later, to see that nothing comes of it."""
        for command in careless(incident.labels["namespace"], self._name):
            self._desk.propose("careless", command, hypothesis=hypothesis, why="a fresh start would help")


def careless(namespace: str, name: str) -> tuple[str, ...]:
    """Return commands that nobody should run in production."""
    return (
        f"kubectl delete namespace {namespace}",
        f"kubectl -n {namespace} exec deploy/{name} -- env",
        f"kubectl -n {namespace} get secrets -o yaml",
        f"kubectl -n {namespace} delete pods --all --force --grace-period=0",
    )


def main() -> int:
    """Run the agent once; returns 1 when it got stuck."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateway", required=True, help="unix:/path of the agent's door, or host:port")
    parser.add_argument("--json", action="store_true", help="events as JSON lines")
    asked = parser.parse_args()
    report = Report(as_json=asked.json)
    with connect(asked.gateway) as gateway:
        try:
            Agent(Desk(gateway, report)).run()
        except (Stuck, CountermandError) as exc:
            report.say("stuck", why=str(exc))
            return 1
    report.say("done")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
