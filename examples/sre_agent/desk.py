"""The agent's desk: everything it does goes through here, and from here through Countermand."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from agent_client import (
    Action,
    AgentClient,
    CountermandError,
    Incident,
    Proof,
    ProofError,
    State,
    check_receipt,
)

from .report import Report

_POLL_S = 0.2
_READ_TIMEOUT_S = 20.0
_CHECKPOINT_TIMEOUT_S = 10.0
_DECIDED = frozenset(State) - {State.PROPOSED}


class Stuck(Exception):  # noqa: N818  # it says what the agent is
    """The agent cannot go on; says why."""


class Desk:
    """Reads and proposals for one incident."""

    def __init__(self, gateway: AgentClient, report: Report) -> None:
        self._gateway = gateway
        self._report = report
        self._incident = ""
        self._ended: dict[str, Action] = {}
        self._keys = gateway.keys()
        """Kept from the start, so that what is signed later can be checked against it."""

    def wait_for_incident(self, timeout_s: float) -> Incident:
        """Return the open incident, once somebody's alert has opened one."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            found = self._gateway.list_incidents(open_only=True).items
            if found:
                self._incident = found[0].id
                self._report.say("incident", id=found[0].id, title=found[0].title, labels=dict(found[0].labels))
                return found[0]
            time.sleep(_POLL_S)
        raise Stuck("no incident was opened")

    def suppose(self, text: str) -> str:
        """Record a hypothesis and return its id."""
        hypothesis = self._gateway.add_hypothesis(self._incident, text).hypothesis
        self._report.say("hypothesis", id=hypothesis, text=text)
        return hypothesis

    def read(self, command: str, hypothesis: str, why: str) -> tuple[str, str]:
        """Run a read and return (its output, its action id)."""
        started = time.monotonic()
        action = self._gateway.propose(
            command, incident=self._incident, hypothesis=hypothesis, justification=why, wait_s=_READ_TIMEOUT_S
        )
        took_ms = int((time.monotonic() - started) * 1_000)
        self._report.say("read", action=action.id, command=command, why=why, state=action.state.value, took_ms=took_ms)
        if action.state is not State.SUCCEEDED:
            codes = [f.code for f in action.decision.findings if f.limit] if action.decision else []
            raise Stuck(f"a read ended as {action.state} ({action.reason}, {', '.join(codes)}): {command}")
        return "".join(output.text for output in action.outputs), action.id

    def conclude(self, hypothesis: str, *, holds: bool, text: str) -> None:
        """Tell the reader what a hypothesis has come to."""
        self._report.say("finding", hypothesis=hypothesis, holds=holds, text=text)

    def declare(self, hypothesis: str, cause: str, evidence: Sequence[str], **details: Any) -> None:
        """Declare the cause; Countermand tells on-call."""
        self._gateway.declare_cause(self._incident, hypothesis, cause, evidence)
        self._report.say("cause", text=cause, **details)

    def propose(self, name: str, command: str, *, hypothesis: str, why: str, lease_s: int = 0) -> Action:
        """Propose a command that changes something."""
        action = self._gateway.propose(
            command, incident=self._incident, hypothesis=hypothesis, justification=why, lease_s=lease_s
        )
        return self._proposed(name, command, why, lease_s, action)

    def propose_step(self, name: str, step: Mapping[str, Any], *, scope: str, hypothesis: str, why: str) -> Action:
        """Propose a typed step that changes something."""
        action = self._gateway.propose_steps(
            [step], scope=scope, incident=self._incident, hypothesis=hypothesis, justification=why
        )
        return self._proposed(name, f"{step['tool']}: {step['operation']} {step['params']}", why, 0, action)

    def wait(self, name: str, action: Action, until: frozenset[State], timeout_s: float) -> Action:
        """Return the action once it is in one of these states or a final one, and say so."""
        after = action if action.state in until or action.is_final else None
        if after is None:
            after = self._gateway.wait(action.id, until=until, timeout_s=timeout_s)
        self._report.say("outcome", name=name, action=after.id, state=after.state.value, reason=after.reason)
        if after.is_final:
            self._ended[name] = after
        return after

    def check_receipts(self) -> None:
        """Check offline that the gateway signed what became of each change and that its log holds it."""
        for name, action in self._ended.items():
            try:
                receipt = check_receipt(action.receipt, self._keys, self._proof(action.id))
            except ProofError as exc:
                raise Stuck(f"the receipt of {name} does not hold: {exc}") from exc
            if receipt.action != action.id or receipt.outcome is not action.state:
                raise Stuck(f"the receipt of {name} is of another outcome: {receipt.outcome}")
            self._report.say("receipt", name=name, action=action.id, outcome=receipt.outcome.value, log=receipt.origin)

    def _proof(self, action: str) -> Proof:
        """Return the proof of a receipt, once a checkpoint covers it; one is signed every second or so."""
        end = time.monotonic() + _CHECKPOINT_TIMEOUT_S
        while True:
            try:
                return self._gateway.receipt_proof(action)
            except CountermandError as exc:
                if exc.reason != "LEAF_UNKNOWN" or time.monotonic() > end:
                    raise
            time.sleep(_POLL_S)

    def _proposed(self, name: str, command: str, why: str, lease_s: int, action: Action) -> Action:
        """Say what was decided, once it is: a change is looked at before the decision."""
        if action.state is State.PROPOSED:
            action = self._gateway.wait(action.id, until=_DECIDED, timeout_s=_READ_TIMEOUT_S)
        verdict = action.decision.verdict if action.decision else None
        if action.state is State.DENIED:
            findings = [{"code": f.code, "message": f.message, "remedy": f.remedy} for f in action.denials]
            self._report.say("denied", name=name, action=action.id, command=command, findings=findings)
        else:
            self._report.say("proposed", name=name, action=action.id, command=command, why=why, lease_s=lease_s,
                             verdict=verdict, state=action.state.value)  # fmt: skip
        return action
