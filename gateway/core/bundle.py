"""A policy bundle as one frozen value: modules, data, texts and samples, named by its revision."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.core.canonical import Json

ROOT = "countermand"
ENTRY = "data.countermand.main.decision"
"""The rule that every engine evaluates."""
INPUT_SCHEMA = "countermand.input/1"
DECISION_SCHEMA = "countermand.decision/1"


@dataclass(frozen=True, slots=True)
class CodeText:
    """The text for people behind one code; both are `str.format` templates over the finding's `args`."""

    message: str
    remedy: str
    """Empty for a code that only permits or obliges."""
    file: str
    """The one file that may emit the code."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A policy input and what the bundle is expected to say about it under `Bundle.sample_config`."""

    name: str
    input: Mapping[str, Json]
    findings: tuple[Mapping[str, Json], ...]
    obligations: tuple[Mapping[str, Json], ...]
    verdict: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything an engine needs, read once; two bundles of the same bytes have the same revision."""

    revision: str
    """`sha256:<hex>` over the sorted (path, bytes) of every file."""
    modules: Mapping[str, str]
    """Path → Rego text, without tests."""
    tests: Mapping[str, str]
    """Path → Rego text of the `_test.rego` files; never loaded by a serving engine."""
    config: Mapping[str, Json]
    """The document at `data.countermand.config`."""
    codes: Mapping[str, CodeText]
    samples: tuple[Sample, ...]
    sample_config: Mapping[str, Json]
    """The config that samples are judged under, so that a site's own config cannot silence the canary."""
    schemas: Mapping[str, Json]
    """`input`, `decision` and `config` → JSON Schema."""

    def __post_init__(self) -> None:
        for name in ("modules", "tests", "config", "codes", "sample_config", "schemas"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


def revision_of(files: Mapping[str, bytes]) -> str:
    """Return the revision of a set of files; lengths are hashed too, so no two sets share their bytes."""
    sha = hashlib.sha256()
    for path in sorted(files):
        for part in (path.encode(), files[path]):
            sha.update(len(part).to_bytes(8, "big"))
            sha.update(part)
    return "sha256:" + sha.hexdigest()


def data_document(config: Mapping[str, Json]) -> dict[str, Json]:
    """Return the whole `data` document of an engine."""
    return {ROOT: {"config": config}}
