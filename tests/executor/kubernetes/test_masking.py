"""What an agent reads of objects that hold secrets in the open."""

import json

from gateway.executor.targets.kubernetes.masking import masked

ENV = [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "LEVEL", "value": "debug"}]
POD = {
    "metadata": {"name": "web", "annotations": {"api-token": "hunter2", "note": "x"}},
    "spec": {
        "containers": [{"name": "web", "env": ENV}],
        "automountServiceAccountToken": True,
        "volumes": [{"name": "s", "secret": {"secretName": "db"}}],
    },
}


def test_a_secret_in_the_open_is_masked_wherever_it_stands_and_nothing_else_is() -> None:
    shown = masked(POD)
    assert "hunter2" not in json.dumps(shown)
    assert shown["spec"]["containers"][0]["env"] == [{"name": "DB_PASSWORD", "value": "(secret)"}, ENV[1]]
    assert shown["metadata"] == {"name": "web", "annotations": {"api-token": "(secret)", "note": "x"}}
    assert {name: shown["spec"][name] for name in ("volumes", "automountServiceAccountToken")} == {
        name: POD["spec"][name] for name in ("volumes", "automountServiceAccountToken")
    }


def test_labels_by_which_objects_are_chosen_stay() -> None:
    chosen = {"selector": {"matchLabels": {"external-secrets.io/component": "web"}}, "labels": {"token": "a"}}
    assert masked(chosen) == chosen
