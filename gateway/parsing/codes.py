"""Every refusal code in one mapping, and its text for people."""

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

from gateway.parsing import codes_aws, codes_git, codes_kubectl, codes_postgres, codes_process, codes_scope, codes_text
from gateway.parsing.code import Code
from gateway.parsing.result import Refusal

TABLES: tuple[Mapping[str, Code], ...] = (
    codes_text.CODES,
    codes_scope.CODES,
    codes_postgres.CODES,
    codes_git.CODES,
    codes_process.CODES,
    codes_kubectl.CODES,
    codes_aws.CODES,
)
CODES: Mapping[str, Code] = MappingProxyType({code: text for table in TABLES for code, text in table.items()})


def message(refusal: Refusal) -> str:
    """Say what was not understood; an argument that the refusal lacks is shown as `?`."""
    return _fill(CODES[refusal.code].message, refusal)


def remedy(refusal: Refusal) -> str:
    """Say what would be accepted instead."""
    return _fill(CODES[refusal.code].remedy, refusal)


def _fill(template: str, refusal: Refusal) -> str:
    return template.format_map(defaultdict(lambda: "?", refusal.args))
