"""The plot: what the narrator does when the agent says something, and what it looks at on its own."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.story import Story
from gateway.cli.demo.world import ON_CALL, World

Event = Mapping[str, Any]
DENIED = 4
"""How many proposals have to be denied."""
_PAGE_S = 10.0


@dataclass(slots=True)
class Tally:
    """What the closing table shows."""

    verdicts: list[tuple[str, str, str]] = field(default_factory=list)
    """(what, verdict, outcome)."""
    undone: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    reads: int = 0
    first_read_ms: int = 0
    ended: frozenset[tuple[int, str]] = frozenset()


class Plot:
    """Follows the agent's events."""

    def __init__(self, world: World, story: Story, expect: Expectations, approve: Callable[[str], list[Event]]) -> None:
        self.tally = Tally()
        self._world = world
        self._story = story
        self._expect = expect
        self._approve = approve
        self._verdicts: dict[str, tuple[str, str]] = {}
        self._on: Mapping[str, Callable[[Event], None]] = {
            "incident": self._incident, "hypothesis": self._hypothesis, "read": self._read, "finding": self._finding,
            "proposed": self._proposed, "denied": self._denied, "outcome": self._outcome, "cause": self._cause,
            "stuck": self._stuck,
        }  # fmt: skip

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
            self.tally.reads += 1
            self.tally.first_read_ms = self.tally.first_read_ms or int(event["at_ms"])
        self._story.line("read", f"{event['why']}  ({event['took_ms']} ms)", _short(event["command"]))

    def _finding(self, event: Event) -> None:
        word = "holds" if event["holds"] else "refuted"
        self._story.line("finding", f"{event['hypothesis']} {word}: {event['text']}")

    def _proposed(self, event: Event) -> None:
        lease = f", for {event['lease_s']} s" if event["lease_s"] else ""
        self._verdicts[event["name"]] = (_short(event["command"], 70), str(event["verdict"]))
        self._story.line("propose", f"{event['why']}{lease}", _short(event["command"]), f"→ {event['state']}")

    def _denied(self, event: Event) -> None:
        if event["name"] == "careless":
            self.tally.denied.add(event["command"])
        findings = event["findings"]
        reasons = [f"{f['code']}: {f['message']} → {f['remedy']}" for f in findings]
        self._story.line("deny", event["command"], *reasons)
        told = bool(findings) and all(f["message"] and f["remedy"] for f in findings)
        self._expect.check("the denial says why and what to do instead", told)
        codes = ", ".join(f["code"] for f in findings)
        self.tally.verdicts.append((_short(event["command"], 70), f"deny: {codes}", "never ran"))

    def _outcome(self, event: Event) -> None:
        name, state = str(event["name"]), str(event["state"])
        self._story.line("state", f"{name}: {state}" + (f" ({event['reason']})" if event["reason"] else ""))
        if name == "first aid":
            self._after_first_aid(state)
        elif name == "rate limit" and state == "LEASED":
            self._in_force()
        elif name == "rate limit":
            self._after_lease(state)
        elif state == "AWAITING_APPROVAL":
            self._person_decides(str(event["action"]))
        else:
            self._after_ending(state)

    def _after_first_aid(self, state: str) -> None:
        """The wrong fix: taken back by itself, and the plan is what it was."""
        busiest = self._world.case.busiest
        self._expect.equal("the wrong fix was taken back by itself", state, "UNDONE")
        self._unlimited(busiest.name, busiest.plan_limit, "first aid", state)

    def _unlimited(self, service: str, limit: float, name: str, state: str) -> None:
        found = self._world.account.throttle(service)
        same = self._expect.equal(
            f"AWS itself shows the old throttle of {service}", found, {"rateLimit": limit, "burstLimit": int(limit * 2)}
        )
        what, verdict = self._verdicts.get(name, (name, "none"))
        self.tally.verdicts.append((what, verdict, state))
        if same and state == "UNDONE":
            self.tally.undone.append(f"{name}: {service} is back at {limit:.0f} requests per second, read back")

    def _in_force(self) -> None:
        guilty = self._world.case.guilty
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
        self.tally.ended = frozenset(self._world.database.stuck(self._world.case.guilty.role))
        for seen in self._approve(action):
            if seen["event"] == "shown":
                self._story.line("human", f"{ON_CALL} reads: {seen['rendering']}")
            else:
                self._story.line("human", f"{ON_CALL} {seen['event']}: {seen.get('comment', '')}")

    def _after_ending(self, state: str) -> None:
        self._expect.equal("ending the abandoned sessions was verified and kept", state, "COMMITTED")
        left = self._world.database.present(set(self.tally.ended))
        self._expect.check(
            "PostgreSQL itself shows the abandoned sessions gone", bool(self.tally.ended) and not left,
            f"{len(self.tally.ended) - len(left)} of {len(self.tally.ended)}",
        )  # fmt: skip
        what, verdict = self._verdicts.get("end sessions", ("end sessions", "none"))
        self.tally.verdicts.append((what, verdict, state))

    def _cause(self, event: Event) -> None:
        case = self._world.case
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
                self._expect.check(f"{ON_CALL} was told the line", True, wanted)  # noqa: FBT003  # see `check`
                return
            time.sleep(0.1)
        self._expect.check(f"{ON_CALL} was told the line", False, "no message names it")  # noqa: FBT003  # see `check`

    def _stuck(self, event: Event) -> None:
        self._expect.check("the agent comes to an end", False, str(event["why"]))  # noqa: FBT003  # see `check`


def _short(text: str, most: int = 150) -> str:
    """Return a command on one line, cut in the middle."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 40]} … {flat[-36:]}"
