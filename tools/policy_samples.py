"""Write policies/samples from tools/policy_cases.py: the inputs, and what the bundle says about each.

A changed sample is a changed policy: read the diff. `--check` writes nothing and exits 1 on a difference.
"""

import json
import sys
from pathlib import Path
from typing import Any

from gateway.adapters.bundle import read_bundle
from gateway.adapters.policy_document import Documents
from gateway.adapters.policy_regorus import engine_of
from gateway.core.bundle import Bundle
from gateway.core.canonical import thaw
from gateway.core.finding import fold, parse_findings
from tools.policy_cases import cases

POLICIES = Path(__file__).parent.parent / "policies"


def samples(bundle: Bundle) -> dict[str, Any]:
    """Return file name → content of the samples folder."""
    documents, engine = Documents(bundle), engine_of(bundle)
    files: dict[str, Any] = {"config.json": thaw(bundle.config)}
    for name, document in cases():
        data, steps = documents.encode(document)
        answer = documents.answer(engine.evaluate(data), steps)
        verdict = fold(steps, parse_findings(answer.findings, steps)).verdict.word
        expect = {"verdict": verdict, "findings": answer.findings, "obligations": answer.obligations}
        files[f"{name}.json"] = {"name": name.replace("_", " "), "input": document, "expect": expect}
    return files


def main() -> int:
    """Write or check the samples."""
    folder, check = POLICIES / "samples", sys.argv[1:] == ["--check"]
    wanted = {
        name: json.dumps(content, indent=1, sort_keys=True) + "\n"
        for name, content in samples(read_bundle(POLICIES)).items()
    }
    have = {path.name: path.read_text() for path in folder.glob("*.json")}
    different = sorted(name for name in wanted.keys() | have.keys() if wanted.get(name) != have.get(name))
    for name in different:
        print(("differs: " if check else "wrote ") + name)
        if not check and name in wanted:
            (folder / name).write_text(wanted[name])
        elif not check:
            (folder / name).unlink()
    return 1 if check and different else 0


if __name__ == "__main__":
    sys.exit(main())
