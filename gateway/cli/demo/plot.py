"""The plot: what the narrator does when the agent says something, and what it looks at on its own."""

import json
import time
from collections.abc import Callable, Mapping

from gateway.cli.demo import actors, siem
from gateway.cli.demo.actors import Event
from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.place import ON_CALL
from gateway.cli.demo.result import Result, Verdict
from gateway.cli.demo.story import Story
from gateway.cli.demo.world import World

CHANGES, DENIED = 3, 4
"""How many proposals change something, and how many have to be denied."""
_COMMENT = "the line is reverted; nobody will come back for these sessions"
_PAGE_S = 10.0
_EXPORT_S = 3.0
"""How long a page, and a line of the exported log, may take."""
_SCENES = {
    "cause": "a cause was declared",
    "first aid": "the wrong fix came to an end",
    "in force": "the rate limit was verified and stood as a lease",
    "rate limit": "the rate limit came to an end",
    "approval": "a person was asked before sessions were ended",
    "end sessions": "the ending of sessions came to an end",
}
"""What has to happen, whatever comes of it."""


class Plot:
    """Follows the agent's events."""

    def __init__(self, world: World, story: Story, expect: Expectations, result: Result) -> None:
        self.denied: set[str] = set()
        self._world = world
        self._story = story
        self._expect = expect
        self._result = result
        self._played: set[str] = set()
        self._abandoned: set[tuple[int, str]] = set()
        self._verdicts: dict[str, tuple[str, str]] = {}
        self._ends: dict[str, str] = {}
        self._on: Mapping[str, Callable[[Event], None]] = {
            "incident": self._incident, "hypothesis": self._hypothesis, "read": self._read, "finding": self._finding,
            "proposed": self._proposed, "denied": self._denied, "outcome": self._outcome, "cause": self._cause,
            "receipt": self._receipt, "stuck": self._stuck,
        }  # fmt: skip

    def check_complete(self) -> None:
        """Expect that every scene was played."""
        for scene, words in _SCENES.items():
            if scene not in self._played:
                self._expect.fail(words, "it never did")

    def take(self, event: Event) -> None:
        """Show one event and do what belongs to it."""
        handler = self._on.get(str(event["event"]))
        if handler is not None:
            handler(event)

    def _incident(self, event: Event) -> None:
        self._story.line("agent", f"takes incident {event['id']}: {event['title']}")

    def _hypothesis(self, event: Event) -> None:
        self._story.line("agent", f"hypothesis {event['id']}: {event['text']}")

    def _read(self, event: Event) -> None:
        if event["state"] == "SUCCEEDED":
            self._result.reads += 1
        self._story.line("read", f"{event['why']}  ({event['took_ms']} ms)", _short(event["command"]))

    def _finding(self, event: Event) -> None:
        word = "holds" if event["holds"] else "refuted"
        self._story.line("finding", f"{event['hypothesis']} {word}: {event['text']}")

    def _proposed(self, event: Event) -> None:
        lease = f"; a lease of {event['lease_s']} s" if event["lease_s"] else ""
        self._verdicts[event["name"]] = (f"{event['name']}: {event['why'].partition(':')[0]}", str(event["verdict"]))
        self._story.line(
            "propose", f"{event['why']}{lease}", _short(event["command"]), f"→ {event['verdict']}, {event['state']}"
        )

    def _denied(self, event: Event) -> None:
        if event["name"] == "careless":
            self.denied.add(event["command"])
        findings = [f for f in event["findings"] if f["code"] != "NOTHING_PERMITTED"] or event["findings"]
        reasons = [f"{f['code']}: {f['message']} → {f['remedy']}" for f in findings]
        self._story.line("deny", event["command"], *reasons)
        told = bool(findings) and all(f["message"] and f["remedy"] for f in findings)
        self._expect.check("the denial says why and what to do instead", told)
        codes = ", ".join(f["code"] for f in findings)
        self._result.verdicts.append(Verdict(_short(event["command"], 90), f"deny: {codes}", "never ran"))

    def _outcome(self, event: Event) -> None:
        name, state = str(event["name"]), str(event["state"])
        self._show_outcome(event)
        if name == "first aid":
            self._after_first_aid(state, str(event["reason"]))
        elif name == "rate limit" and state == "LEASED":
            self._in_force()
        elif name == "rate limit":
            self._after_lease(state)
        elif state == "AWAITING_APPROVAL":
            self._person_decides(str(event["action"]))
        else:
            self._after_ending(state)

    def _show_outcome(self, event: Event) -> None:
        """Show a state, and what telemetry saw when there was a verdict."""
        reason = f" ({event['reason']})" if event["reason"] else ""
        self._ends[str(event["name"])] = f"{event['state']}{reason}"
        told = []
        if event["state"] != "AWAITING_APPROVAL" and event["reason"] != "LEASE_ENDED":
            seen = siem.telemetry(self._world.site.export, str(event["action"]), _EXPORT_S)
            told = [f"telemetry: {seen or 'no verdict was exported'}"]
        self._story.line("state", f"{event['name']}: {event['state']}{reason}", *told)

    def _after_first_aid(self, state: str, reason: str) -> None:
        """Look at the wrong fix: telemetry caught it, it was taken back by itself, and the plan is what it was."""
        busiest = self._world.case.busiest
        caught = reason in {"VERIFICATION_HARMED", "VERIFICATION_INEFFECTIVE"}
        self._expect.check("telemetry caught the wrong fix", caught, reason)
        self._expect.equal("it was taken back by itself", state, "UNDONE")
        self._unlimited(busiest.name, busiest.plan_limit, "first aid", state)

    def _unlimited(self, service: str, limit: float, name: str, state: str) -> None:
        found = self._world.account.throttle(service)
        same = self._expect.equal(
            f"AWS itself shows the old throttle of {service}", found, {"rateLimit": limit, "burstLimit": int(limit * 2)}
        )
        self._conclude(name, state)
        if same and state == "UNDONE":
            self._result.undone.append(f"{name}: {service} is back at {limit:.0f} requests per second, read back")

    def _in_force(self) -> None:
        guilty = self._world.case.guilty
        self._played.add("in force")
        found = self._world.account.throttle(guilty.name)["rateLimit"]
        seen = f"{found:.0f} requests per second"
        self._expect.check(f"AWS itself shows {guilty.name} limited", found < guilty.demand, seen)

    def _after_lease(self, state: str) -> None:
        guilty = self._world.case.guilty
        self._expect.equal("the lease ended and was reverted", state, "UNDONE")
        self._unlimited(guilty.name, guilty.plan_limit, "rate limit", state)

    def _person_decides(self, action: str) -> None:
        """The person on call mends the code first, then lets the abandoned sessions be ended."""
        commit = self._world.mend()
        self._story.line("human", f"{ON_CALL} reverts the line with commit {commit[:10]} and deploys it")
        guilty = self._world.case.guilty
        ended = self._world.database.end_requests(guilty.role)
        self._story.line("human", f"{ON_CALL} restarts {guilty.name}: {ended} requests under the old code end")
        self._abandoned = self._world.database.stuck(guilty.role)
        self._played.add("approval")
        for seen in actors.approve(self._world, action, _COMMENT):
            if seen["event"] == "shown":
                self._story.line("human", f"{ON_CALL} reads: {seen['rendering']}")
            else:
                self._story.line("human", f"{ON_CALL} {seen['event']}: {seen.get('comment', '')}")

    def _after_ending(self, state: str) -> None:
        self._expect.equal("ending the abandoned sessions was verified and kept", state, "COMMITTED")
        left = self._world.database.present(self._abandoned)
        self._expect.check(
            "PostgreSQL itself shows the abandoned sessions gone", bool(self._abandoned) and not left,
            f"{len(self._abandoned) - len(left)} of {len(self._abandoned)}",
        )  # fmt: skip
        self._conclude("end sessions", state)

    def _conclude(self, name: str, state: str) -> None:
        self._played.add(name)
        what, verdict = self._verdicts.get(name, (name, "none"))
        self._result.verdicts.append(Verdict(what, verdict, self._ends.get(name, state)))

    def _cause(self, event: Event) -> None:
        case = self._world.case
        self._played.add("cause")
        self._story.line("cause", event["text"])
        self._expect.equal("the account", event["account"], case.guilty.role)
        self._expect.check("the statement", f"INTO {case.guilty.table} " in event["query"], _short(event["query"], 60))
        self._expect.equal("the file", event["file"], case.file)
        self._expect.equal("the line", event["line"], case.line)
        self._expect.equal("the commit", event["commit"], self._world.repository.guilty_commit)
        self._expect.equal("its author", event["author"], case.author)
        self._paged(f"{case.file}:{case.line}")

    def _paged(self, wanted: str) -> None:
        """Wait for the page with the line of code."""
        end = time.monotonic() + _PAGE_S
        while time.monotonic() < end:
            if any(wanted in json.dumps(message, ensure_ascii=False) for message in self._world.pager.messages()):
                self._expect.equal(f"{ON_CALL} was told the line", wanted, wanted)
                return
            time.sleep(0.1)
        self._expect.fail(f"{ON_CALL} was told the line", "no message names it")

    def _receipt(self, event: Event) -> None:
        self._result.receipts += 1
        self._story.line("proof", f"{event['name']}: receipt of {event['outcome']} checked offline, it is in the log")

    def _stuck(self, event: Event) -> None:
        self._expect.fail("the agent comes to an end", str(event["why"]))


def _short(text: str, most: int = 150) -> str:
    """Return a command on one line, cut in the middle."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 40]} … {flat[-36:]}"
