"""What operators deploy must name things that exist."""

import re
from pathlib import Path

import yaml

from gateway.core.states import State
from gateway.observability import Metrics

DEPLOY = Path(__file__).parent.parent / "deploy"


def test_alerts_name_metrics_and_states_that_exist() -> None:
    text = (DEPLOY / "prometheus" / "countermand.rules.yml").read_text(encoding="utf-8")
    metrics = Metrics()
    metrics.entered("NEEDS_HUMAN")
    metrics.set_executors(["executor/local"])
    exposed = metrics.render().decode()
    for rule in yaml.safe_load(text)["groups"][0]["rules"]:
        for name in re.findall(r"countermand_\w+", rule["expr"]):
            assert name in exposed
        for state in re.findall(r'state="(\w+)"', rule["expr"]):
            assert state in State.__members__


def test_units_start_commands_that_exist() -> None:
    for name in ("countermand.service", "countermand-executor.service"):
        unit = (DEPLOY / "systemd" / name).read_text(encoding="utf-8")
        [command] = re.findall(r"bin/countermand (\w+) --config", unit)
        assert command in {"serve", "executor"}
        assert "NoNewPrivileges=yes" in unit
