"""A person on call, as a program: looks at one action that waits, and approves exactly what was shown.

    python -m examples.sre_agent.approver --gateway unix:/run/countermand/approver.sock act_…

It connects to the approver's door, which no agent can open, and its vote is bound to the plan, the decision and the
observed state that it read.
"""

import argparse

from agent_client import Pending, connect_approver

from .report import Report


def main() -> int:
    """Approve one action; returns 1 when it does not wait for anybody."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action")
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--comment", default="")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    report = Report(as_json=asked.json)
    with connect_approver(asked.gateway) as gateway:
        shown = next((p for p in gateway.pending() if p.action.id == asked.action), None)
        if shown is None:
            report.say("absent", action=asked.action)
            return 1
        report.say("shown", action=shown.action.id, rendering=shown.action.rendering, plan=shown.action.plan_digest,
                   changes=_changes(shown))  # fmt: skip
        after = gateway.approve(shown, asked.comment)
        report.say("approved", action=after.id, state=after.state.value, comment=asked.comment)
    return 0


def _changes(shown: Pending) -> str:
    """Return what a trial run would change, field by field."""
    changes = [change for trial in shown.trials for change in trial.get("changes", ())]
    return "; ".join(f"{each['path']}: {each.get('from')} -> {each.get('to')}" for each in changes)


if __name__ == "__main__":
    raise SystemExit(main())
