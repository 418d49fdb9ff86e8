"""The examples that users copy must be accepted by the code that reads them."""

import shutil
from pathlib import Path

import pytest

from gateway.config import load_settings
from gateway.errors import ConfigFault
from gateway.executor.config import GitScope
from gateway.executor.config_load import load

SITE = Path(__file__).parent.parent / "examples" / "site"


def test_the_example_gateway_is_accepted() -> None:
    settings = load_settings(SITE / "gateway.yaml")
    assert (
        set(settings.scopes)
        == set(settings.service.scopes)
        == {"orders-db", "prod-aws", "prod-eu", "app-repo", "web-1"}
    )
    assert settings.executor_config == SITE / "executor.yaml"
    assert settings.service.scopes["prod-eu"].environment_of("staging") == "staging"
    assert settings.service.scopes["prod-eu"].environment_of("anything") == "prod"


def test_the_example_executor_is_accepted(tmp_path: Path) -> None:
    shutil.copy(SITE / "executor.yaml", tmp_path)
    for name in ("orders.dsn", "aws.key"):
        (tmp_path / name).write_text("postgresql://localhost/orders\n", encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    config = load(tmp_path / "executor.yaml")
    assert set(config.scopes) == {"orders-db", "prod-aws", "app-repo", "web-1"}


@pytest.mark.parametrize("line", ["statedir: x", "policy: {worker: 2}", "scopes: {a: {tool: aws, environments: {}}}"])
def test_a_wrong_key_is_an_error_that_names_it(tmp_path: Path, line: str) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ConfigFault):
        load_settings(path)


def test_the_quick_start_reads_the_repository_that_it_is_in() -> None:
    folder = SITE.parent / "quickstart"
    settings, executor = load_settings(folder / "gateway.yaml"), load(folder / "executor.yaml")
    assert set(settings.scopes) == set(executor.scopes) == {"countermand-repo", "this-machine"}
    assert executor.gateway.address == f"unix:{settings.state_dir / 'sockets' / 'executor.sock'}"
    scope = executor.scopes["countermand-repo"]
    assert isinstance(scope, GitScope)
    assert scope.path.resolve() == folder.parent.parent
