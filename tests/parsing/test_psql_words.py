"""psql as it is typed: where the scope comes from, and which of its options are taken."""

import pytest

from gateway.parsing.catalog import Scope
from tests.parsing.site import code, site, step


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        ("psql", "PSQL_NO_COMMAND"),
        ("psql -c", "PSQL_VALUE_MISSING"),
        ("psql -c 'select 1' -c 'select 2'", "PSQL_TWICE"),
        ("psql -h evil -c 'select 1'", "PSQL_OPTION"),
        ("psql -U postgres -c 'select 1'", "PSQL_OPTION"),
        ("psql -p 5433 -c 'select 1'", "PSQL_OPTION"),
        ("psql --host=evil -c 'select 1'", "PSQL_OPTION"),
        ("psql --dbnam=x -c 'select 1'", "PSQL_OPTION"),
        ("psql -f x.sql", "PSQL_OPTION"),
        ("psql -o /etc/x -c 'select 1'", "PSQL_OPTION"),
        ("psql -L x -c 'select 1'", "PSQL_OPTION"),
        ("psql -v a=b -c 'select 1'", "PSQL_OPTION"),
        ("psql -c'select 1'", "PSQL_OPTION"),
        ("psql 'service=prod' -c 'select 1'", "PSQL_POSITIONAL"),
        ("psql postgresql://evil/db -c 'select 1'", "PSQL_POSITIONAL"),
        ("psql -P 'pager=sh' -c 'select 1'", "PSQL_PSET"),
        ("psql -d 'host=evil' -c 'select 1'", "SCOPE_UNKNOWN"),
        ("psql -d other -c 'select 1'", "SCOPE_UNKNOWN"),
        ("psql other -c 'select 1'", "SCOPE_UNKNOWN"),
        ("psql orders postgres -c 'select 1'", "PSQL_TWICE"),
        ("psql host=evil -c 'select 1'", "PSQL_POSITIONAL"),
        ("psql -d orders -d orders -c 'select 1'", "PSQL_TWICE"),
    ],
)
def test_psql_takes_no_connection_no_file_and_no_variable(words: str, refusal: str) -> None:
    assert code(words) == refusal


def test_the_scope_comes_from_the_proposal_or_the_command_and_never_from_both_differently() -> None:
    catalog = site(Scope("orders", "postgres"), Scope("billing", "postgres"))
    assert code("psql -c 'select 1'", catalog) == "SCOPE_AMBIGUOUS"
    assert step("psql -c 'select 1'", catalog, "billing").step.target.scope == "billing"
    assert step("psql -d billing -c 'select 1'", catalog).step.target.scope == "billing"
    assert step("psql billing -c 'select 1'", catalog).step.target.scope == "billing"
    assert step("psql -d billing -c 'select 1'", catalog, "billing").step.target.scope == "billing"
    assert code("psql -d billing -c 'select 1'", catalog, "orders") == "SCOPE_CONFLICT"


def test_output_flags_do_not_change_the_digest() -> None:
    plain = step("psql -c 'select 1'").step.digest
    for flags in ("-At", "-x", "-qtA", "--csv", "-P pager=off", "-F , -A", "--no-psqlrc"):
        assert step(f"psql {flags} -c 'select 1'").step.digest == plain
    assert step("psql -tAc 'select 1'").step.digest == plain
