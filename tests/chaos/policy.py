"""The policy of the chaos tests: everything is permitted and verified; what is `held` needs a person."""

from pathlib import Path

from gateway.core.canonical import Json, canonical
from tests.fakes.mini_bundle import document, mini_files, write_files

WINDOW_S, LONG_WINDOW_S, HARMFUL_WINDOW_S = 2, 6, 15
"""Harm ends a verification at once; what is long is the patience of the checks after its undo."""
_RULES = f"""
package countermand.rules.chaos

# METADATA
# custom:
#   codes:
#     CHAOS_HELD: {{message: "held for a person", remedy: "ask for approval"}}
#     CHAOS_BRIEF: {{message: "the grant lives for a second"}}
#     CHAOS_VERIFY: {{message: "verified for two seconds; what does harm, for as long as its undo takes to show"}}
#     CHAOS_VERIFY_LONG: {{message: "verified for six seconds; without data a person decides"}}
obligations contains {{"code": "CHAOS_BRIEF", "step": step.i, "grant_ttl_s": 1}} if {{
	some step in input.steps
	startswith(step.target.names[0], "brief")
}}

findings contains {{"code": "CHAOS_HELD", "limit": "approve", "step": step.i, "args": {{}}}} if {{
	some step in input.steps
	startswith(step.target.names[0], "held")
}}

obligations contains {{"code": "CHAOS_VERIFY", "step": step.i, "verify": {{
	"profile": "steady", "window_s": _window(step), "interval_s": 1,
}}}} if {{
	some step in input.steps
	"write" in step.effect
	not _long(step)
}}

obligations contains {{"code": "CHAOS_VERIFY_LONG", "step": step.i, "verify": {{
	"profile": "steady", "window_s": {LONG_WINDOW_S}, "interval_s": 1, "on_inconclusive": "needs_human",
}}}} if {{
	some step in input.steps
	"write" in step.effect
	_long(step)
}}

_long(step) if startswith(step.target.names[0], "long")

_harmful(step) if startswith(step.target.names[0], "harmful")

_window(step) := {HARMFUL_WINDOW_S} if _harmful(step)

_window(step) := {WINDOW_S} if not _harmful(step)
"""


def write_bundle(folder: Path) -> Path:
    """Write the bundle to a new folder."""
    files = mini_files(
        {
            "countermand/rules/chaos/chaos.rego": _RULES,
            "samples/held.json": _sample("held", "held_1"),
            "samples/long.json": _sample("long", "long_1"),
            "samples/brief.json": _sample("brief", "brief_1"),
        }
    )
    return write_files(folder, files)


def _sample(name: str, target: str) -> bytes:
    """Return a write to a target of this name."""
    shown: Json = document("deployments.scale")
    [step] = shown["steps"]
    step["effect"] = ["write"]
    step["target"]["names"] = [target]
    shown["plan"]["effect"] = "write"
    expect = {"verdict": "approve", "findings": [], "obligations": []}
    return canonical({"name": name, "input": shown, "expect": expect})
