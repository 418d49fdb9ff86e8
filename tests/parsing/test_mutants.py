"""Accepted reads, damaged at random: what is still a plain read looks like one to rough rules that know no table."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.canonical import thaw
from gateway.core.effect import Effect
from gateway.core.step import Step
from gateway.parsing.parse import parse
from gateway.parsing.result import Refusal
from tests.parsing.test_same import SITE

CORPORA = Path(__file__).parent.parent / "corpora"
READS = [line for path in sorted(CORPORA.glob("reads_*.txt")) for line in path.read_text().splitlines() if line]
WORDS = [
    word for path in sorted(CORPORA.glob("evasions*.jsonl")) for line in path.read_text().splitlines()
    for word in json.loads(line)["cmd"].split(" ")
]  # fmt: skip
CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_=/.,:;'\"\\$`|&<>(){}[]*?!#~^%@+ \t\n\u00a0\u0441\u200b\0"
MUTANTS = 8_000

KUBECTL = (
    "get", "list", "describe", "events", "top", "rollout_status", "rollout_history", "wait", "version", "info",
    "health", "api_resources", "api_versions", "explain", "can_i", "whoami",
)  # fmt: skip
AWS = re.compile(r"(Batch)?(Describe|List|Get|Head|Lookup|Search|Simulate|Filter|Test|Select|Check|Validate|Discover)")
AWS_VALUES = re.compile(
    r"Secret(?!s$)|Credential|GetObject$|GetParameter|LogEvents|Receive|Decrypt|Scan$|Query$|Invoke$"
)
SQL = re.compile(
    r"\b(insert into|delete from|drop|truncate|grant|copy|for (update|share|no key|key share))\b|;|--|/\*|\\"
    r"|\b(pg_sleep|dblink|lo_|pg_read|pg_ls|pg_terminate|pg_cancel|set_config|nextval|query_to_xml|pg_advisory)\w*\("
)
GIT = re.compile(r"--(ext-diff|textconv|output(=|$)|no-index|upload-pack|exec|contents|open-files|show-signature)|-O")


def _kubernetes(step: Step) -> bool:
    asked = json.dumps(thaw(step.api["resource"]))
    return step.operation.rpartition(".")[2] in KUBECTL and '"secrets"' not in asked


def _aws(step: Step) -> bool:
    name = step.operation.partition(".")[2]
    plain = AWS_VALUES.search(name) is None or name in {"DescribeSecret", "ListSecretVersionIds"}
    return AWS.match(name) is not None and plain


def _postgres(step: Step) -> bool:
    return SQL.search(re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"", "''", str(step.params["sql"]))) is None


def _git(step: Step) -> bool:
    return not any(GIT.match(word) for word in step.api["argv"][1:])


LOOKS_LIKE_A_READ: dict[str, Callable[[Step], bool]] = {
    "kubernetes": _kubernetes, "aws": _aws, "postgres": _postgres, "git": _git,
}  # fmt: skip


def _damaged(text: str, rng: random.Random) -> str:
    for _ in range(rng.choice((1, 1, 2, 3))):
        words = text.split(" ")
        at, other = rng.randrange(len(words)), rng.randrange(len(words))
        match rng.randrange(7):
            case 0:
                words.insert(at, rng.choice(WORDS))
            case 1:
                words[at] = rng.choice(WORDS)
            case 2:
                words.insert(at, words[other])
            case 3:
                words[at], words[other] = words[other], words[at]
            case 4 if len(words) > 1:
                del words[at]
            case _:
                place = rng.randrange(len(text) + 1)
                words = (text[:place] + rng.choice(CHARACTERS) + text[place + rng.randrange(2) :]).split(" ")
        text = " ".join(words)
    return text


@pytest.mark.filterwarnings("ignore:deprecated string literal syntax")  # jmespath still reads `bare` literals
@pytest.mark.parametrize("seed", [1, 2])
def test_a_damaged_read_is_refused_or_still_a_read(seed: int) -> None:
    rng = random.Random(seed)
    plain = 0
    for _ in range(MUTANTS // 2):
        text = _damaged(rng.choice(READS), rng)
        parsed = parse(text.encode("utf-8", "surrogatepass"), SITE)
        if isinstance(parsed, Refusal):
            assert parsed.code != "PARSER_FAULT", text
            continue
        if all(step.effects == {Effect.READ} for step in parsed.steps):
            plain += 1
            assert all(LOOKS_LIKE_A_READ[step.step.tool](step.step) for step in parsed.steps), text
    assert plain > MUTANTS / 50
