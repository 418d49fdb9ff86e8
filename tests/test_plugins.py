import sys
from pathlib import Path

import pytest

from gateway.errors import ConfigFault
from gateway.exporters import open_exporters

GROUP = "countermand.exporters"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path that tests install packages into."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(site: Path, package: str, name: str, value: str, code: str = "") -> None:
    (site / f"{package}.py").write_text(code)
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {value}\n")


FACTORY = """
class Null:
    def __init__(self, name, settings):
        self.name, self.settings = name, settings
    async def export(self, records):
        self.got = records
"""


def test_an_installed_exporter_is_found_by_its_type(site: Path) -> None:
    install(site, "cm_null", "null", "cm_null:Null", FACTORY)
    (found,) = open_exporters({"hole": {"type": "null", "depth": 3}})
    assert (found.name, vars(found)["settings"]) == ("hole", {"depth": 3})


def test_the_type_defaults_to_the_name(site: Path) -> None:
    install(site, "cm_null2", "null2", "cm_null2:Null", FACTORY)
    assert [found.name for found in open_exporters({"null2": {}})] == ["null2"]


def test_what_is_installed_but_not_configured_is_never_imported(site: Path) -> None:
    install(site, "cm_loud", "loud", "cm_loud:Null", "raise SystemExit('imported')")
    assert open_exporters({}) == []
    assert "cm_loud" not in sys.modules


def test_a_package_cannot_take_the_place_of_a_built_in(site: Path, tmp_path: Path) -> None:
    install(site, "cm_thief", "jsonl", "cm_thief:Null", "raise SystemExit('imported')")
    (found,) = open_exporters({"jsonl": {"path": str(tmp_path / "x.jsonl")}})
    assert type(found).__module__ == "gateway.exporters.jsonl"


@pytest.mark.parametrize(
    ("offers", "code"),
    [
        ([], "PLUGIN_MISSING"),
        ([("cm_a", "cm_a:Null", FACTORY), ("cm_b", "cm_b:Null", FACTORY)], "PLUGIN_AMBIGUOUS"),
        ([("cm_c", "cm_c:Missing", FACTORY)], "PLUGIN_BROKEN"),
        ([("cm_d", "cm_d:Null", "import no_such_module_at_all")], "PLUGIN_BROKEN"),
    ],
)
def test_what_is_enabled_and_cannot_be_had_stops_the_start(
    site: Path, offers: list[tuple[str, str, str]], code: str
) -> None:
    for package, value, text in offers:
        install(site, package, "wanted", value, text)
    with pytest.raises(ConfigFault) as fault:
        open_exporters({"wanted": {}})
    assert fault.value.code == code
