"""The plot: what the narrator does when the agent says something, and what it looks at on its own."""

from collections.abc import Mapping
from typing import ClassVar

from gateway.cli.demo import actors
from gateway.cli.demo.actors import Event
from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.narrator import Narrator, short
from gateway.cli.demo.place import ON_CALL
from gateway.cli.demo.result import Result
from gateway.cli.demo.story import Story
from gateway.cli.demo.world import World

CHANGES, DENIED = 3, 4
"""How many proposals change something, and how many have to be denied."""
_COMMENT = "the line is reverted; nobody will come back for these sessions"


class Plot(Narrator):
    """A database runs out of connections."""

    scenes: ClassVar[Mapping[str, str]] = {
        "cause": "a cause was declared",
        "first aid": "the wrong fix came to an end",
        "in force": "the rate limit was verified and stood as a lease",
        "rate limit": "the rate limit came to an end",
        "approval": "a person was asked before sessions were ended",
        "end sessions": "the ending of sessions came to an end",
    }

    def __init__(self, world: World, story: Story, expect: Expectations, result: Result) -> None:
        super().__init__(world, world.pager, story, expect, result)
        self._world = world
        self._abandoned: set[tuple[int, str]] = set()

    def _outcome(self, event: Event) -> None:
        super()._outcome(event)
        name, state = str(event["name"]), str(event["state"])
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

    def _cause(self, event: Event) -> None:
        case = self._world.case
        self._played.add("cause")
        super()._cause(event)
        self._expect.equal("the account", event["account"], case.guilty.role)
        self._expect.check("the statement", f"INTO {case.guilty.table} " in event["query"], short(event["query"], 60))
        self._expect.equal("the file", event["file"], case.file)
        self._expect.equal("the line", event["line"], case.line)
        self._expect.equal("the commit", event["commit"], self._world.repository.guilty_commit)
        self._expect.equal("its author", event["author"], case.author)
        self._paged(f"{case.file}:{case.line}", "the line")
