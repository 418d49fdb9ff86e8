"""Run awscli's own parser over its own examples and print what it would send; nothing is sent.

Run in an environment of its own (awscli hijacks the name botocore):

    uv run --isolated --no-project --with awscli==1.46.3 tests/oracles/awscli_params.py COUNT SERVICE…

One JSON object a line: {words, service, operation, params}. Examples that read files, and commands that are not
operations of the API, are left out.
"""

import base64
import contextlib
import functools
import io
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import awscli  # type: ignore[import-not-found]
from awscli import clidriver
from botocore import session

COMMAND = re.compile(r"^[ \t]+\$? ?(aws (?:.*\\\n)*.*)$", re.MULTILINE)
SKIPPED = re.compile(r"files?b?://|https?://|[<>|`$]|\.\.\.")
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}  # fmt: skip
Sent = tuple[str, str, dict[str, Any]]
SENT: list[Sent] = []


def main(count: int, services: list[str]) -> None:
    """Print `count` examples spread evenly over the services."""
    os.environ.update(SETTINGS)
    clidriver.CLIOperationCaller.invoke = remember
    session.create_loader = functools.cache(session.create_loader)  # all drivers read the models of services once
    examples = [example for service in services for example in examples_of(service)]
    step = max(1, len(examples) // count)
    driver, last = None, None
    for service, words in examples[::step][:count]:
        if driver is None or service != last or service == "ec2":
            driver, last = clidriver.create_clidriver(), service  # a used driver leaks arguments between EC2 commands
        found = ask(driver, words)
        if found is not None:
            row = {"words": words, "service": found[0], "operation": found[1], "params": plain(found[2])}
            sys.stdout.write(json.dumps(row) + "\n")


def remember(_caller: object, service: str, operation: str, params: dict[str, Any], _globals: object) -> int:
    """Stand in for the call that would be sent."""
    SENT.append((service, operation, params))
    return 0


def examples_of(service: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (service, words) of every example that reads no file."""
    folder = Path(awscli.__file__).parent / "examples" / service
    for path in sorted(folder.glob("*.rst")):
        for match in COMMAND.finditer(path.read_text()):
            text = match[1].replace("\\\n", " ")
            with contextlib.suppress(ValueError):
                words = shlex.split(text)
                if not SKIPPED.search(text) and words[1] == service:
                    yield service, words


def ask(driver: Any, words: list[str]) -> Sent | None:
    """Return what awscli would send, or None when it refuses the example."""
    SENT.clear()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            driver.main(words[1:])
        except (Exception, SystemExit):  # noqa: BLE001  # a broken example fails in any way it likes
            return None
    return SENT[0] if len(SENT) == 1 else None


def plain(value: Any) -> Any:
    """Return JSON for botocore parameters."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
