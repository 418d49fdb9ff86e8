"""The generated tables: they load, they are pinned, and a changed file is not used."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from gateway.adapters import tables
from gateway.adapters.tables import DEFAULT_SERVICES, TableError, load_aws, load_kubectl, load_tables

SHIPPED = Path(tables.__file__).parents[1] / "parsing" / "tables"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tables that the loader reads."""
    shutil.copytree(SHIPPED / "kubectl", tmp_path / "kubectl")
    (tmp_path / "aws").mkdir()
    for name in ("rds.json.gz", "pins.json"):
        shutil.copy(SHIPPED / "aws" / name, tmp_path / "aws" / name)
    monkeypatch.setattr(tables, "_folder", lambda name: tmp_path / name)
    return tmp_path


def test_the_default_services_load_and_the_others_are_known_by_name() -> None:
    kubectl, aws = load_tables()
    assert set(aws.services) == set(DEFAULT_SERVICES)
    assert len(aws.shipped) > 400
    assert aws.by_command("s3api") is aws.services["s3"]
    assert aws.by_command("lightsail") is None
    assert kubectl.version.startswith("1.35.")


def test_a_service_is_enabled_by_either_of_its_names() -> None:
    assert set(load_aws(["s3api", "configservice", "lightsail"]).services) == {"s3", "config", "lightsail"}


def test_a_service_that_is_not_shipped_is_an_error_at_start() -> None:
    with pytest.raises(TableError) as caught:
        load_aws(["rds", "nonsense"])
    assert caught.value.code == "TABLE_NOT_SHIPPED"


@pytest.mark.parametrize("name", ["kubectl/kinds.json.gz", "kubectl/commands.json.gz"])
def test_a_changed_kubectl_table_is_refused(copy: Path, name: str) -> None:
    path = copy / name
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"secrets", b"sekrets", 1) + b" "))
    with pytest.raises(TableError) as caught:
        load_kubectl()
    assert caught.value.code == "TABLE_PIN_MISMATCH"


def test_a_changed_or_missing_aws_table_is_refused(copy: Path) -> None:
    load_aws(["rds"])
    path = copy / "aws" / "rds.json.gz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(TableError) as caught:
        load_aws(["rds"])
    assert caught.value.code == "TABLE_PIN_MISMATCH"
    path.unlink()
    with pytest.raises(TableError) as caught:
        load_aws(["rds"])
    assert caught.value.code == "TABLE_UNREADABLE"


def test_every_shipped_file_has_exactly_its_pin() -> None:
    for folder in ("aws", "kubectl"):
        pins = json.loads((SHIPPED / folder / "pins.json").read_text())
        assert sorted(pins) == sorted(path.name for path in (SHIPPED / folder).glob("*.json.gz"))
    load_aws(list(load_aws([]).shipped))
