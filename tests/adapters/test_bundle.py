"""Reading bundles from folders and archives."""

import gzip
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.adapters import bundle as loader
from gateway.adapters.bundle import fingerprint, read_bundle
from gateway.errors import PolicyRefused
from gateway.strict_yaml import load
from tests.fakes.mini_bundle import POLICIES, mini_bundle, mini_files, write_files

CONFIG = "countermand/config/demo/data.yaml"


def _tar(path: Path, files: Mapping[str, bytes], *extra: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for info in extra:
            tar.addfile(info)
    return path


def _refused(path: Path, overlay: Path | None = None) -> PolicyRefused:
    with pytest.raises(PolicyRefused) as refused:
        read_bundle(path, overlay)
    return refused.value


def test_a_folder_and_its_archive_are_the_same_bundle(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "policies", mini_files())
    archive = _tar(tmp_path / "policies.tar.gz", mini_files())
    assert read_bundle(folder) == read_bundle(archive) == mini_bundle()


def test_names_with_a_leading_slash_are_the_same_names(tmp_path: Path) -> None:
    archive = _tar(tmp_path / "b.tar.gz", {f"/{name}": data for name, data in mini_files().items()})
    assert read_bundle(archive).revision == mini_bundle().revision


def test_every_changed_byte_is_another_revision() -> None:
    files = mini_files()
    revisions = {mini_bundle({name: data + b"\n"}).revision for name, data in files.items()}
    assert len(revisions | {mini_bundle().revision}) == len(files) + 1


def test_codes_have_their_texts_and_files() -> None:
    text = mini_bundle().codes["DEMO_LIMIT"]
    assert (text.message, text.remedy) == ("{operation} is listed", "propose another operation")
    assert text.file == "countermand/rules/demo/watch.rego"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({".manifest": None}, "lacks this file"),
        ({".manifest": b'{"roots": [""]}'}, "roots must be"),
        ({".manifest": b'{"roots": ["countermand"], "rego_version": 0}'}, "rego_version"),
        ({".manifest": b'{"roots": ["countermand"], "roots": ["countermand"]}'}, "duplicate key"),
        ({"data.json": b"{}"}, "data is data.yaml"),
        ({"countermand/rules/demo/data.yaml": b"findings: []"}, "data is allowed at"),
        ({"countermand/data.yaml": b"rules: {}"}, "data is allowed at"),
        ({"countermand/config/a/b/data.yaml": b"x: 1"}, "data is allowed at"),
        ({"other/x.rego": b"package other\n"}, "Rego files live below"),
        ({CONFIG: b"denied: [yes]"}, "ambiguous YAML"),
        ({CONFIG: b"- 1"}, "not an object"),
        ({CONFIG: b"\xff"}, "utf-8"),
        ({"schemas/input.json": b'{"$id": "countermand.input/9"}'}, r"\$id must be"),
        ({"samples/limit.json": b"{}"}, "lacks"),
        (
            {"countermand/rules/demo/more.rego": b"package countermand.rules.demo\n\n# METADATA\n# custom:\n"
             b"#   codes:\n#     DEMO_LIMIT: {message: m}\nx := 1\n"},
            "documented in",
        ),
    ],
)  # fmt: skip
def test_a_malformed_bundle_is_refused_with_the_file_named(changes: dict[str, bytes | None], why: str) -> None:
    with pytest.raises(PolicyRefused, match=why) as refused:
        mini_bundle(changes)
    assert refused.value.code == "POLICY_BUNDLE_INVALID"
    assert refused.value.args_["path"] in {*changes, "countermand/rules/demo/watch.rego"}


def test_an_overlay_replaces_config_and_nothing_else(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "policies", mini_files())
    site = write_files(tmp_path / "site", {"demo/data.yaml": b"denied: []\nnotify: [me]\n", "own/data.yaml": b"a: 1\n"})
    merged = read_bundle(folder, site)
    assert merged.config == {"demo": {"denied": [], "notify": ["me"]}, "own": {"a": 1}}
    assert merged.revision != read_bundle(folder).revision
    write_files(site, {"demo/rule.rego": b"package countermand.rules.demo\n"})
    assert "overlay" in _refused(folder, site).message


def test_links_are_refused(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "policies", mini_files())
    (folder / "samples/link.json").symlink_to("/etc/hostname")
    assert "no links" in _refused(folder).message
    (folder / "samples/link.json").unlink()
    (folder / "samples/more").symlink_to(tmp_path, target_is_directory=True)
    assert "no links" in _refused(folder).message


def test_an_archive_that_reaches_out_of_its_root_is_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("samples/x.json")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    assert "regular files" in _refused(_tar(tmp_path / "l.tar.gz", mini_files(), link)).message
    assert "regular files" in _refused(_tar(tmp_path / "d.tar.gz", {**mini_files(), "../x": b""})).message


def test_an_archive_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    again = tarfile.TarInfo(".manifest")
    assert "each once" in _refused(_tar(tmp_path / "b.tar.gz", mini_files(), again)).message


def test_a_bomb_is_refused_by_its_declared_size(tmp_path: Path) -> None:
    bomb = tarfile.TarInfo("samples/bomb.json")
    bomb.size = 1 << 40
    path = tmp_path / "b.tar.gz"
    path.write_bytes(gzip.compress(bomb.tobuf()))
    assert "at most" in _refused(path).message


def test_caps_hold_for_folders_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_files(tmp_path / "policies", mini_files())
    monkeypatch.setattr(loader, "MAX_FILES", 3)
    assert "at most 3 files" in _refused(folder).message


@pytest.mark.parametrize("content", [b"", b"not a tar", gzip.compress(b"x" * 600, mtime=0)])
def test_what_is_no_archive_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.tar.gz").write_bytes(content)
    assert _refused(tmp_path / "b.tar.gz").code in {"POLICY_BUNDLE_UNREADABLE", "POLICY_BUNDLE_INVALID"}
    assert _refused(tmp_path / "nowhere").code == "POLICY_BUNDLE_UNREADABLE"


def test_the_fingerprint_follows_every_kind_of_change(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "policies", mini_files())
    seen = [fingerprint(folder)]
    assert fingerprint(folder) == seen[0]
    (folder / CONFIG).write_bytes(b"denied: []\nnotify: []\n")
    seen.append(fingerprint(folder))
    os.utime(folder / CONFIG, ns=(1, 1))
    seen.append(fingerprint(folder))
    (folder / "samples/limit.json").rename(folder / "samples/other.json")
    seen.append(fingerprint(folder))
    (folder / "samples/other.json").unlink()
    seen.append(fingerprint(folder))
    seen.append(fingerprint(tmp_path / "nowhere"))
    assert len(set(seen)) == len(seen)


def test_the_shipped_folder_is_read() -> None:
    assert len(read_bundle(POLICIES).codes) > 50


@pytest.mark.parametrize(
    "text",
    ["a: yes", "a: 010", "a: 0x1f", "a: 1_000", "a: 2026-01-01", "a: 1e3", "a: .5", "a: ~", "a: 1:30", "a: +1",
     "a: .inf", "a: 1\na: 2", "{a: 1, a: 2}", "1: a", "x: &a [1]\ny: *a", "<<: {a: 1}", "a: !!binary aGk=",
     "a: !x y", "- !!set {a}"],
)  # fmt: skip
def test_yaml_that_readers_understand_differently_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"line [12]"):
        load(text)


def test_plain_yaml_is_read_as_json() -> None:
    text = 'a: [1, -2, 1.5, true, null, text, "yes", "010", prod: x]\nb: {c: "2026-01-01T00:00:00Z"}\nd:\n'
    assert load(text) == {
        "a": [1, -2, 1.5, True, None, "text", "yes", "010", {"prod": "x"}],
        "b": {"c": "2026-01-01T00:00:00Z"},
        "d": None,
    }
