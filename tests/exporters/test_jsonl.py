import json
import resource
import stat
from pathlib import Path

import pytest

from gateway.errors import ConfigFault, DeliveryFault
from gateway.exporters import open_exporters
from gateway.exporters.jsonl import JsonlExporter

pytestmark = pytest.mark.anyio


def records(first: int, last: int) -> list[tuple[int, bytes]]:
    return [(index, b'{"n":"%d"}' % index) for index in range(first, last)]


def indexes(path: Path) -> list[int]:
    return [json.loads(line)["index"] for line in path.read_bytes().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


async def test_a_record_is_a_line_with_the_exact_bytes_of_the_leaf(path: Path) -> None:
    leaf = '{"name":"zürich  x","v":1.50}'.encode()
    await JsonlExporter("file", path).export([(7, leaf)])
    assert path.read_bytes() == b'{"index":7,"leaf":' + leaf + b"}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_records_that_are_delivered_again_are_not_written_again(path: Path) -> None:
    await JsonlExporter("file", path).export(records(0, 5))
    await JsonlExporter("file", path).export(records(2, 8))
    await JsonlExporter("file", path).export(records(0, 8))
    await JsonlExporter("file", path).export([])
    assert indexes(path) == list(range(8))


@pytest.mark.parametrize("cut", range(1, 25))
async def test_a_line_that_a_crash_cut_short_is_repaired_at_the_next_delivery(path: Path, cut: int) -> None:
    await JsonlExporter("file", path).export(records(0, 3))
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    await JsonlExporter("file", path).export(records(1, 4))
    assert path.read_bytes() == whole + b'{"index":3,"leaf":{"n":"3"}}\n'


async def test_a_partial_first_line_is_repaired_too(path: Path) -> None:
    path.write_bytes(b'{"index":0,"le')
    await JsonlExporter("file", path).export(records(0, 2))
    assert indexes(path) == [0, 1]


async def test_lines_longer_than_the_window_that_is_read_are_found(path: Path) -> None:
    long = b'{"n":"' + b"x" * 300_000 + b'"}'
    exporter = JsonlExporter("file", path)
    await exporter.export([(0, b"{}"), (1, long)])
    path.write_bytes(path.read_bytes() + long)
    await exporter.export([(1, long), (2, b"{}")])
    assert indexes(path) == [0, 1, 2]


async def test_a_file_that_has_grown_large_is_put_aside_under_its_last_index(path: Path) -> None:
    exporter = JsonlExporter("file", path, max_bytes=100)
    for first in range(0, 12, 4):
        await exporter.export(records(first, first + 4))
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == [f"audit.{last:020}.jsonl" for last in (3, 7, 11)]
    assert [index for file in files for index in indexes(file)] == list(range(12))


async def test_a_repetition_after_a_rotation_is_recognised(path: Path) -> None:
    await JsonlExporter("file", path, max_bytes=100).export(records(0, 4))
    assert not path.exists()
    await JsonlExporter("file", path, max_bytes=100).export(records(2, 6))
    assert indexes(path) == [4, 5]


async def test_an_older_file_is_never_replaced_by_a_rotation(path: Path) -> None:
    old = path.with_name(f"audit.{9:020}.jsonl")
    await JsonlExporter("file", path).export(records(0, 4))
    old.write_bytes(b"precious")
    with pytest.raises(DeliveryFault) as fault:
        await JsonlExporter("file", path, max_bytes=1).export(records(4, 10))
    assert fault.value.code == "EXPORT_FILE"
    assert old.read_bytes() == b"precious"
    assert indexes(path) == list(range(10))


async def test_a_file_whose_last_line_is_no_record_is_left_alone(path: Path) -> None:
    path.write_bytes(b"notes of somebody else\n")
    with pytest.raises(DeliveryFault) as fault:
        await JsonlExporter("file", path).export(records(0, 1))
    assert fault.value.code == "EXPORT_FILE_DAMAGED"
    assert path.read_bytes() == b"notes of somebody else\n"


async def test_a_leaf_that_would_break_the_lines_is_refused(path: Path) -> None:
    with pytest.raises(DeliveryFault) as fault:
        await JsonlExporter("file", path).export([(0, b"{}"), (1, b"{\n}")])
    assert fault.value.code == "EXPORT_RECORD"
    assert path.read_bytes() == b""


async def test_a_disk_that_is_full_loses_nothing_once_there_is_room(path: Path) -> None:
    exporter = JsonlExporter("file", path)
    await exporter.export(records(0, 3))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 40, hard))
    try:
        with pytest.raises(DeliveryFault) as fault:
            await exporter.export(records(3, 6))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert fault.value.code == "EXPORT_FILE"
    await exporter.export(records(3, 6))
    assert indexes(path) == list(range(6))


async def test_a_folder_that_is_missing_is_a_fault_to_be_tried_again(tmp_path: Path) -> None:
    exporter = JsonlExporter("file", tmp_path / "later" / "audit.jsonl")
    with pytest.raises(DeliveryFault):
        await exporter.export(records(0, 1))
    (tmp_path / "later").mkdir()
    await exporter.export(records(0, 1))
    assert indexes(tmp_path / "later" / "audit.jsonl") == [0]


async def test_it_is_opened_by_name_from_the_configuration(path: Path) -> None:
    (exporter,) = open_exporters({"siem": {"type": "jsonl", "path": str(path), "max_bytes": 10}})
    assert exporter.name == "siem"
    await exporter.export(records(0, 1))
    assert [file.name for file in path.parent.iterdir()] == [f"audit.{0:020}.jsonl"]


@pytest.mark.parametrize("settings", [{}, {"path": 1}, {"path": "x", "max_bytes": True}, {"path": "x", "max_bites": 1}])
def test_wrong_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigFault):
        open_exporters({"jsonl": settings})
