"""The plot of the Kubernetes demo: what the narrator does when the agent says something, and what it looks at."""

import time
from collections.abc import Mapping
from typing import ClassVar

from agent_client import connect_approver
from gateway.cli.demo import actors
from gateway.cli.demo.actors import Event
from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.kubernetes.world import World
from gateway.cli.demo.narrator import Narrator
from gateway.cli.demo.place import ON_CALL
from gateway.cli.demo.result import Result
from gateway.cli.demo.story import Story

CHANGES, DENIED = 3, 4
"""How many proposals change something, and how many have to be denied."""
_COMMENT = "the pipeline says it is ready"
_KEPT = "the colleague's number stays"
_EDIT_S = 20.0


class Plot(Narrator):
    """A release that was never pushed, a colleague who edits the same field, and a release that works."""

    scenes: ClassVar[Mapping[str, str]] = {
        "approval": "a person was asked before an image was changed",
        "release": "the bad release came to an end",
        "more room": "the change that a colleague edited came to an end",
        "second release": "the good release came to an end",
        "resolved": "a person said what became of the edited change",
    }

    def __init__(self, world: World, story: Story, expect: Expectations, result: Result) -> None:
        super().__init__(world, world.pager, story, expect, result)
        self._world = world
        self._by_hand = 0

    def _outcome(self, event: Event) -> None:
        super()._outcome(event)
        name, state = str(event["name"]), str(event["state"])
        if state == "AWAITING_APPROVAL":
            self._person_decides(name, str(event["action"]))
        elif name == "release":
            self._after_release(state, str(event["reason"]))
        elif state == "RESOLVED":
            self._played.add("resolved")
        elif name == "more room":
            self._after_edit(state, str(event["reason"]), str(event["action"]))
        else:
            self._after_second_release(state)

    def _person_decides(self, name: str, action: str) -> None:
        """The person on call reads and approves; for `more room` a colleague edits the same field after it."""
        self._played.add("approval")
        for seen in actors.approve(self._world, action, _COMMENT):
            if seen["event"] == "shown":
                self._story.line("human", f"{ON_CALL} reads: {seen['rendering']}")
                self._story.line("human", f"what a trial run would change: {seen['changes']}")
            else:
                self._story.line("human", f"{ON_CALL} {seen['event']}: {seen.get('comment', '')}")
        if name == "more room":
            self._edit()

    def _edit(self) -> None:
        """Wait until the change is there, then change the same field beside the gateway."""
        before, cluster = self._world.case.replicas, self._world.cluster
        end = time.monotonic() + _EDIT_S
        while cluster.replicas() == before and time.monotonic() < end:
            time.sleep(0.1)
        self._by_hand = before + 3
        self._story.line("human", f"a colleague scales to {self._by_hand} with kubectl, while it is being verified")
        cluster.scale_by_hand(self._by_hand)

    def _after_release(self, state: str, reason: str) -> None:
        """Look at the bad release: telemetry caught it, it was taken back by itself, the object is what it was."""
        case, cluster = self._world.case, self._world.cluster
        caught = reason in {"VERIFICATION_HARMED", "VERIFICATION_INEFFECTIVE"}
        self._expect.check("telemetry caught the release that was never pushed", caught, reason)
        self._expect.equal("it was taken back by itself", state, "UNDONE")
        old, bad = case.image(case.running), case.image(case.announced)
        self._expect.equal("the cluster itself asks for the old image", cluster.image(), old)
        self._expect.check("every pod is ready again", cluster.settle())
        self._expect.equal(
            "the API server saw the image once, and once the way back", cluster.images_sent(), [bad, old]
        )
        self._conclude("release", state)
        if state == "UNDONE":
            self._result.undone.append(f"release: {case.name} asks for {old} again, read back")

    def _after_edit(self, state: str, reason: str, action: str) -> None:
        """Look at the edited change: a later edit of our fields wins, and people are told."""
        self._expect.equal("a colleague's edit of the same field goes to people", state, "NEEDS_HUMAN")
        self._expect.equal("nothing of it was overwritten", self._world.cluster.replicas(), self._by_hand)
        self._paged(reason, "why")
        self._conclude("more room", state)
        if state == "NEEDS_HUMAN":
            with connect_approver(self._site.door("approver")) as people:
                people.resolve(action, "kept", _KEPT)
            self._story.line("human", f"{ON_CALL} resolves it: {_KEPT}")

    def _after_second_release(self, state: str) -> None:
        case, cluster = self._world.case, self._world.cluster
        self._expect.equal("the release that works was verified and kept", state, "COMMITTED")
        self._expect.equal("the cluster itself asks for it", cluster.image(), case.image(case.mended))
        self._expect.check("its rollout is complete", cluster.settle())
        self._conclude("second release", state)
