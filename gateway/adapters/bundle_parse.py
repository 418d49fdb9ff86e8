"""Bytes of a bundle's files to a `Bundle`; every fault is a PolicyRefused that names the file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath

from gateway import strict_yaml
from gateway.core import shape
from gateway.core.bundle import INPUT_SCHEMA, ROOT, Bundle, CodeText, Sample, revision_of
from gateway.core.canonical import Json, loads_strict
from gateway.errors import PolicyRefused

_SCHEMAS = ("input", "decision", "config")
_CODE_KEYS = frozenset({"message", "remedy"})


def parse_bundle(files: Mapping[str, bytes]) -> Bundle:
    """Read a bundle from its files (path → bytes, `/` separators).

    Raises PolicyRefused POLICY_BUNDLE_INVALID for a file that is malformed, missing or where it must not be.
    """
    _check_manifest(files)
    rego = {path: _text(path, data) for path, data in files.items() if path.endswith(".rego")}
    modules = {path: text for path, text in rego.items() if not path.endswith("_test.rego")}
    return Bundle(
        revision=revision_of(files),
        modules=modules,
        tests={path: text for path, text in rego.items() if path not in modules},
        config=_config(files),
        codes=_codes(modules),
        samples=tuple(_sample(path, files[path]) for path in sorted(files) if _is_sample(path)),
        sample_config=_json_object("samples/config.json", files),
        schemas=_schemas(files),
    )


def refused(path: str, why: str) -> PolicyRefused:
    """Return the refusal of one file."""
    return PolicyRefused("POLICY_BUNDLE_INVALID", f"{path}: {why}", path=path)


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turn what a reader says about a file's content into the refusal of that file."""
    try:
        yield
    except ValueError as exc:
        raise refused(path, str(exc)) from exc


def _check_manifest(files: Mapping[str, bytes]) -> None:
    manifest = _json_object(".manifest", files)
    if manifest.get("roots") != [ROOT]:
        raise refused(".manifest", f'roots must be ["{ROOT}"]')
    if manifest.get("rego_version", 1) != 1:
        raise refused(".manifest", "rego_version must be 1")
    for path in files:
        if PurePosixPath(path).name in {"data.json", "data.yml"}:
            raise refused(path, "data is data.yaml below countermand/config, nothing else")
        if path.endswith(".rego") and not path.startswith(f"{ROOT}/"):
            raise refused(path, f"Rego files live below {ROOT}/")


def _text(path: str, data: bytes) -> str:
    with _reading(path):
        return data.decode()


def _config(files: Mapping[str, bytes]) -> dict[str, Json]:
    """Read `countermand/config/<topic>/data.yaml`; data anywhere else could forge a finding."""
    config: dict[str, Json] = {}
    for path, data in files.items():
        parts = PurePosixPath(path).parts
        if parts[-1] != "data.yaml":
            continue
        if len(parts) != 4 or parts[:2] != (ROOT, "config"):
            raise refused(path, "data is allowed at countermand/config/<topic>/data.yaml only")
        with _reading(path):
            config[parts[2]] = shape.mapping(strict_yaml.load(data.decode()), "the document")
    return config


def _schemas(files: Mapping[str, bytes]) -> dict[str, Json]:
    schemas = {name: _json_object(f"schemas/{name}.json", files) for name in _SCHEMAS}
    if schemas["input"].get("$id") != INPUT_SCHEMA:
        raise refused("schemas/input.json", f"$id must be {INPUT_SCHEMA}; this gateway sends no other document")
    return schemas


def _codes(modules: Mapping[str, str]) -> dict[str, CodeText]:
    codes: dict[str, CodeText] = {}
    for path, text in sorted(modules.items()):
        with _reading(path):
            for code, entry in _documented(text).items():
                if code in codes:
                    raise ValueError(f"{code} is documented in {codes[code].file} already")
                codes[code] = _code_text(code, entry, path)
    return codes


def _documented(text: str) -> dict[str, Json]:
    """Return `custom.codes` of all METADATA blocks of a file."""
    found: dict[str, Json] = {}
    for block in _metadata_blocks(text):
        value = shape.mapping(strict_yaml.load(block), "METADATA")
        custom = shape.mapping(value.get("custom", {}), "custom")
        found |= shape.mapping(custom.get("codes", {}), "custom.codes")
    return found


def _metadata_blocks(text: str) -> list[str]:
    blocks: list[list[str]] = []
    open_block = False
    for line in text.splitlines():
        if line.strip() == "# METADATA":
            blocks.append([])
            open_block = True
        elif open_block and line.startswith("#"):
            blocks[-1].append(line[1:].removeprefix(" "))
        else:
            open_block = False
    return ["\n".join(block) for block in blocks]


def _code_text(code: str, entry: Json, path: str) -> CodeText:
    shape.code(code, "a code")
    item = shape.members(entry, code, frozenset({"message"}), _CODE_KEYS)
    remedy = shape.text(item["remedy"], f"remedy of {code}") if "remedy" in item else ""
    return CodeText(shape.text(item["message"], f"message of {code}"), remedy, path)


def _is_sample(path: str) -> bool:
    return path.startswith("samples/") and path.endswith(".json") and path != "samples/config.json"


def _sample(path: str, data: bytes) -> Sample:
    with _reading(path):
        item = shape.members(loads_strict(data), "a sample", frozenset({"name", "input", "expect"}))
        expect = shape.members(item["expect"], "expect", frozenset({"verdict", "findings", "obligations"}))
        return Sample(
            name=shape.text(item["name"], "name"),
            input=shape.mapping(item["input"], "input"),
            findings=tuple(shape.array(expect["findings"], "findings", 4096)),
            obligations=tuple(shape.array(expect["obligations"], "obligations", 4096)),
            verdict=shape.text(expect["verdict"], "verdict"),
        )


def _json_object(path: str, files: Mapping[str, bytes]) -> Mapping[str, Json]:
    if path not in files:
        raise refused(path, "the bundle lacks this file")
    with _reading(path):
        return shape.mapping(loads_strict(files[path]), "the document")
