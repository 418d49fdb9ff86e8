"""Follow the agent until it comes to its end."""

import queue
import threading
import time
from collections.abc import Callable, Sequence

from gateway.cli.demo import actors
from gateway.cli.demo.narrator import Narrator
from gateway.cli.demo.process import Child, DemoFault
from gateway.cli.demo.story import Story

_AGENT_S = 90.0


def follow(agent: Child, plot: Narrator, story: Story, others: Sequence[Child], progress: Callable[[], str]) -> None:
    """Take the agent's events until it ends; while there are none, show the progress and see that all others run."""
    inbox: queue.Queue[actors.Event | None] = queue.Queue()

    def pump() -> None:
        for event in actors.events(agent):
            inbox.put(event)
        inbox.put(None)

    threading.Thread(target=pump, daemon=True).start()
    end = time.monotonic() + _AGENT_S
    with story.waiting("the agent works"):
        while time.monotonic() < end:
            try:
                event = inbox.get(timeout=0.5)
            except queue.Empty:
                for other in others:
                    other.must_run()
                story.progress(f"the agent works; {progress()}")
                continue
            if event is None:
                return
            plot.take(event)
    raise DemoFault(f"the agent did not come to an end in {_AGENT_S:.0f} s")
