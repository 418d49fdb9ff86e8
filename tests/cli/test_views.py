"""What people read before they vote."""

from typing import Any

from gateway.cli.views import trial_text


def trial(**more: Any) -> dict[str, Any]:
    return {"step": 0, "undo": "exact", "objects": [], "status": "ok", "targets": 1, "changes": [], **more}


def test_a_trial_says_of_how_many_objects_which_fields_would_change() -> None:
    change = {"path": "/spec/replicas", "from": 2, "to": 3}
    assert trial_text(trial(targets=3, objects=["a", "b", "c"], changes=[change])) == [
        "  trial of step 0: ok, 3 objects, undo exact, it would change:",
        "    object a",
        "    object b",
        "    object c",
        "    /spec/replicas: 2 -> 3",
    ]


def test_a_trial_without_fields_says_how_it_ended() -> None:
    assert trial_text(trial()) == ["  trial of step 0: ok, 1 object, undo exact"]
    said = trial_text(trial(status="not_available", targets=0, code="DRY_RUN_NONE"))
    assert said == ["  trial of step 0: not_available, 0 objects, DRY_RUN_NONE, undo exact"]


def test_what_is_long_is_cut_and_says_so() -> None:
    change = {"path": "/data/a b\n", "from": None, "to": "x" * 1_000}
    said = trial_text(trial(changes=[change] * 102))
    assert len(said) == 102
    assert trial_text(trial(objects=["x"] * 103))[-1] == "    and 3 objects more, which --json shows"
    assert said[1].startswith("    /data/a b: null -> ")
    assert said[1].endswith("…")
    assert said[-1] == "    and 2 fields more, which --json shows"
