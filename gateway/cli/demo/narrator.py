"""The narrator: shows what the agent says, keeps what comes of it, and expects what every demo has to show."""

import json
import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from gateway.cli.demo import siem
from gateway.cli.demo.actors import Event
from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.oncall import Pager
from gateway.cli.demo.place import ON_CALL, Place
from gateway.cli.demo.result import Result, Verdict
from gateway.cli.demo.story import Story

_PAGE_S = 10.0
_EXPORT_S = 3.0
"""How long a page, and a line of the exported log, may take."""


class Narrator:
    """Follows the agent's events; a plot adds what it looks at on its own."""

    scenes: ClassVar[Mapping[str, str]] = {}
    """What has to happen, whatever comes of it: scene → words."""

    def __init__(self, place: Place, pager: Pager, story: Story, expect: Expectations, result: Result) -> None:
        self.denied: set[str] = set()
        self._site = place.site
        self._pager = pager
        self._story = story
        self._expect = expect
        self._result = result
        self._played: set[str] = set()
        self._verdicts: dict[str, tuple[str, str]] = {}
        self._ends: dict[str, str] = {}
        self._on: Mapping[str, Callable[[Event], None]] = {
            "incident": self._incident, "hypothesis": self._hypothesis, "read": self._read, "finding": self._finding,
            "proposed": self._proposed, "denied": self._denied, "outcome": self._outcome, "cause": self._cause,
            "receipt": self._receipt, "stuck": self._stuck,
        }  # fmt: skip

    def check_complete(self) -> None:
        """Expect that every scene was played."""
        for scene, words in self.scenes.items():
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
        self._story.line("read", f"{event['why']}  ({event['took_ms']} ms)", short(event["command"]))

    def _finding(self, event: Event) -> None:
        word = "holds" if event["holds"] else "refuted"
        self._story.line("finding", f"{event['hypothesis']} {word}: {event['text']}")

    def _proposed(self, event: Event) -> None:
        lease = f"; a lease of {event['lease_s']} s" if event["lease_s"] else ""
        self._verdicts[event["name"]] = (f"{event['name']}: {event['why'].partition(':')[0]}", str(event["verdict"]))
        self._story.line(
            "propose", f"{event['why']}{lease}", short(event["command"]), f"→ {event['verdict']}, {event['state']}"
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
        self._result.verdicts.append(Verdict(short(event["command"], 90), f"deny: {codes}", "never ran"))

    def _outcome(self, event: Event) -> None:
        """Show a state, and what telemetry saw when there was a verdict."""
        reason = f" ({event['reason']})" if event["reason"] else ""
        self._ends[str(event["name"])] = f"{event['state']}{reason}"
        told = []
        if event["state"] in {"COMMITTED", "LEASED"} or str(event["reason"]).startswith("VERIFICATION"):
            seen = siem.telemetry(self._site.export, str(event["action"]), _EXPORT_S)
            told = [f"telemetry: {seen or 'no verdict was exported'}"]
        self._story.line("state", f"{event['name']}: {event['state']}{reason}", *told)

    def _conclude(self, name: str, state: str) -> None:
        self._played.add(name)
        what, verdict = self._verdicts.get(name, (name, "none"))
        self._result.verdicts.append(Verdict(what, verdict, self._ends.get(name, state)))

    def _cause(self, event: Event) -> None:
        self._story.line("cause", event["text"])

    def _paged(self, wanted: str, what: str) -> None:
        """Wait for the page that names something."""
        end = time.monotonic() + _PAGE_S
        while time.monotonic() < end:
            if any(wanted in json.dumps(message, ensure_ascii=False) for message in self._pager.messages()):
                self._expect.equal(f"{ON_CALL} was told {what}", wanted, wanted)
                return
            time.sleep(0.1)
        self._expect.fail(f"{ON_CALL} was told {what}", "no message names it")

    def _receipt(self, event: Event) -> None:
        self._result.receipts += 1
        self._story.line("proof", f"{event['name']}: receipt of {event['outcome']} checked offline, it is in the log")

    def _stuck(self, event: Event) -> None:
        self._expect.fail("the agent comes to an end", str(event["why"]))


def short(text: str, most: int = 150) -> str:
    """Return a command on one line, cut in the middle."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[: most - 40]} … {flat[-36:]}"
