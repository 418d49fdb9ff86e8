"""countermand policy explain: what a bundle says about one policy input."""

import asyncio
from pathlib import Path
from typing import Any

import click

from gateway.adapters.bundle import read_bundle
from gateway.adapters.policy_inprocess import InProcessEngine
from gateway.cli.emit import emit
from gateway.cli.failure import CommandError
from gateway.cli.policy.bundle_option import OVERLAY, chosen
from gateway.core.bundle import Bundle
from gateway.core.canonical import Json, loads_strict
from gateway.core.finding import fold, parse_findings
from gateway.ports_policy import PolicyAnswer
from gateway.service.texts import Texts

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("explain")
@click.argument("sample", type=_FILE)
@click.option(
    "--bundle", type=click.Path(exists=True, path_type=Path), help="Policy bundle; the shipped one otherwise."
)
@OVERLAY
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(*, sample: Path, bundle: Path | None, overlay: Path | None, as_json: bool) -> None:
    """Evaluate SAMPLE and print verdict, findings and obligations; the gateway's own caps are not part of it.

    SAMPLE is a policy input, as `countermand check --explain` prints it, or a file of the bundle's samples/.
    """
    document = _input(sample)
    found = read_bundle(chosen(bundle), overlay)
    answer = asyncio.run(_answer(found, document))
    result = _explained(found, document, answer)
    lines = [result["verdict"], *(_line(f) for f in result["findings"])]
    emit(result, as_json=as_json, text="\n".join(lines))


async def _answer(bundle: Bundle, document: Json) -> PolicyAnswer:
    engine = InProcessEngine()
    await engine.load(bundle)
    return await engine.evaluate(document)


def _explained(bundle: Bundle, document: Json, answer: PolicyAnswer) -> dict[str, Any]:
    count = len(document["steps"])
    folded = fold(count, parse_findings(list(answer.findings), count))
    texts = Texts({}, {code: (text.message, text.remedy) for code, text in bundle.codes.items()})
    findings = []
    for finding in answer.findings:
        text = texts.of(finding["code"], finding.get("args", {}))
        findings.append(
            {**finding, "message": text.message, "remedy": text.remedy, "file": bundle.codes[finding["code"]].file}
        )
    return {
        "revision": answer.revision,
        "verdict": folded.verdict.word,
        "because": folded.because,
        "findings": findings,
        "obligations": answer.obligations,
    }


def _line(finding: dict[str, Any]) -> str:
    word = f"permits {finding['permit']}" if "permit" in finding else f"limits to {finding['limit']}"
    remedy = f"\n    remedy: {finding['remedy']}" if finding["remedy"] else ""
    return f"  step {finding['step']}: {finding['code']} {word}: {finding['message']} ({finding['file']}){remedy}"


def _input(path: Path) -> Json:
    try:
        document = loads_strict(path.read_bytes())
        found = document.get("input", document)
        if not isinstance(found["steps"], list):
            raise ValueError("steps is no list")  # noqa: TRY004, TRY301  # one error for whatever is no input
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as exc:
        raise CommandError("SAMPLE_UNREADABLE", f"{path} is no policy input: {exc}") from exc
    return found
