"""awscli's own parser is the judge: on what we accept of its examples, it would send the same parameters."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.result import Refusal
from gateway.parsing.tools import aws
from gateway.parsing.tools.aws_client import CLIENT
from gateway.parsing.tools.aws_shapes import scalar
from gateway.parsing.words import Word
from tests.fixtures_catalog import catalog

SCRIPT = Path(__file__).with_name("awscli_params.py")
SERVICES = (
    "rds",
    "elbv2",
    "autoscaling",
    "ecs",
    "cloudwatch",
    "iam",
    "s3api",
    "route53",
    "dynamodb",
    "lambda",
    "logs",
    "ec2",
)
COUNT = 120
REGIONS = tuple(f"{a}-{b}-{n}" for a in ("us", "eu", "ap") for b in ("east", "west", "central") for n in (1, 2))
PAGES = {"MaxItems": "max_items", "PageSize": "page_size", "StartingToken": "starting_token"}


@pytest.mark.timeout(300)
def test_what_is_accepted_of_awsclis_examples_has_awsclis_parameters() -> None:
    asked = [json.loads(line) for line in _awscli().splitlines()]
    known = Catalog(
        {"acme": Scope("acme", "aws", default_region="eu-west-1", regions=REGIONS)}, catalog().kubectl, catalog().aws
    )
    accepted = 0
    for row in asked:
        words = tuple(Word(word, (0, 1)) for word in row["words"])
        parsed = aws.from_argv(words, known, None)
        if isinstance(parsed, Refusal):
            continue
        accepted += 1
        assert parsed.step.operation == f"{row['service']}.{row['operation']}"
        ours = _asked_of_the_api(parsed.step.to_json()["params"])
        assert _differences(ours, _awscli_params(row["params"])) == [], " ".join(row["words"])
    assert accepted >= 0.8 * len(asked)


def _awscli() -> str:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed, so awscli cannot be asked")
    command = [
        uv,
        "run",
        "--system-certs",
        "--isolated",
        "--no-project",
        "--with",
        "awscli==1.46.3",
        str(SCRIPT),
        str(COUNT),
        *SERVICES,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("awscli 1.46.3 could not be installed: " + done.stderr.strip().splitlines()[-1][:80])
    return done.stdout


def _awscli_params(params: dict[str, Any]) -> dict[str, Any]:
    """Return awscli's parameters with its paging moved to where ours is; EC2's own page size is not asked for."""
    pages = dict(params.pop("PaginationConfig", {}))
    if pages.get("PageSize") == 1000:
        del pages["PageSize"]
    client = {PAGES[name]: int(value) if str(value).isdecimal() else value for name, value in pages.items()}
    return params | ({CLIENT: client} if client else {})


def _asked_of_the_api(params: dict[str, Any]) -> dict[str, Any]:
    """Return our parameters without what awscli's own parser does not put there."""
    client = {name: value for name, value in params.pop(CLIENT, {}).items() if name in PAGES.values()}
    return params | ({CLIENT: client} if client else {})


def _differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Return the members that differ; awscli passes times on as they were typed, so those are compared as times."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        names = sorted(set(ours) | set(theirs))
        return [d for n in names for d in _differences(ours.get(n), theirs.get(n), f"{path}.{n}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [d for a, b in zip(ours, theirs, strict=True) for d in _differences(a, b, path)]
    if ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool):
        return []
    if isinstance(ours, str) and ours.endswith("Z") and scalar({"t": "Z"}, theirs, path, mode="text") == ours:
        return []
    return [f"{path}: {ours!r} is not {theirs!r}"]
