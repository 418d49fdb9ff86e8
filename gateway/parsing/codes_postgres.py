"""Refusal codes of psql and SQL."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.parsing.code import Code

_READ = "propose one SELECT, EXPLAIN SELECT or SHOW"

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "PSQL_NO_COMMAND": Code("psql without -c", "write psql -c 'SELECT ...'"),
        "PSQL_TWICE": Code("{option} is given twice", "give it once; propose each statement as its own step"),
        "PSQL_VALUE_MISSING": Code("{option} has no value", "add the value"),
        "PSQL_OPTION": Code(
            "the psql option {option} is not accepted",
            "drop it: connection, files and variables come from the gateway; -c, -d SCOPE, -A, -t, -x, -q, -X, --csv",
        ),
        "PSQL_POSITIONAL": Code("psql takes no connection here", "name a configured scope with -d, or drop it"),
        "PSQL_PSET": Code("this output setting is not accepted", "drop it; -P pager=off is accepted"),
        "SQL_TOO_LONG": Code("the SQL has {bytes} bytes, more than {max}", "shorten it"),
        "SQL_TOO_LARGE": Code("the SQL has more than {max} tokens", "shorten it"),
        "SQL_TOO_DEEP": Code("the SQL is nested deeper than {max}", "use fewer parentheses"),
        "SQL_JOINS": Code("more than {max} joins wait for their condition", "write ON or USING behind each join"),
        "SQL_CREDENTIALS": Code(
            "{relation} holds password hashes or passwords",
            "read pg_roles, pg_user or pg_foreign_server, which say who and where without them",
        ),
        "SQL_SERIES": Code(
            "generate_series is not known to give {max} rows at most, or stands here twice",
            "give it numbers, or moments such as now() - interval '1 hour', now(), interval '5 minutes'",
        ),
        "SQL_EMPTY": Code("the SQL is empty", _READ),
        "SQL_BACKSLASH": Code(
            "a backslash stands outside a literal, or before its quote",
            "drop psql commands and escapes; in a pattern write it before a letter, as in '\\s+'",
        ),
        "SQL_COMMENT": Code("the SQL has a comment", "drop it; explain in the justification"),
        "SQL_DOLLAR": Code("the SQL has a $", "use single quotes and literal values"),
        "SQL_COLON": Code("the SQL has a variable or a slice", "write the value itself"),
        "SQL_CHARACTER": Code("the SQL has a character that is not accepted here", "put it in a literal, or drop it"),
        "SQL_UNCLOSED_QUOTE": Code("a quote in the SQL is not closed on its line", "close it; no newline in literals"),
        "SQL_RUN_TOGETHER": Code(
            "two names or literals touch", "put a blank between them; E'', B'' and U&'' are refused"
        ),
        "SQL_IDENTIFIER_TOO_LONG": Code("a name is longer than {max} bytes", "use the name as it is stored"),
        "SQL_OPERATOR": Code("the operator {operator} is not on the list", "use a built-in comparison or arithmetic"),
        "SQL_DOT": Code("a dot stands between other things than names", "write schema.table, table.column or 0.5"),
        "SQL_SEVERAL_STATEMENTS": Code(
            "more than one statement", "propose each statement as its own step, joined by &&"
        ),
        "SQL_NOT_READ": Code(
            "{word} is not part of a read",
            _READ + "; writes: sessions.cancel, sessions.terminate, ALTER ROLE name CONNECTION LIMIT n",
        ),
        "SQL_LOCK": Code("the read would lock rows", "drop FOR UPDATE or FOR SHARE"),
        "SQL_EXPLAIN": Code(
            "this EXPLAIN is not one of a read", "use EXPLAIN SELECT or EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT"
        ),
        "SQL_SETTING": Code("{setting} is not on the list of readable settings", "name one, as SHOW max_connections"),
        "SQL_FUNCTION": Code(
            "the function {function} is not on the list of pure functions",
            "use another; write AS before an alias with columns; the operator can declare a function pure",
        ),
        "SQL_FIELD": Code(
            "{field} is no column that a function in FROM is known to give; PostgreSQL would call it",
            "name the columns behind the alias, as in FROM unnest(array[1]) AS g(a), and use these",
        ),
        "SQL_FUNCTION_SCHEMA": Code("{function} is called in a schema", "call built-in functions by their bare name"),
        "SQL_TYPE": Code("{type} is not on the list of types to convert to", "use a built-in type"),
        "SQL_SYNTAX": Code("the SQL cannot be read", "check it, or write it more plainly"),
        "SQL_NODE": Code("{node} is not accepted in a read", "write it more plainly"),
        "SQL_WITH_INSIDE": Code("WITH stands inside the statement", "move it to the beginning"),
        "SQL_RECURSION": Code(
            "the recursion may have no end",
            "let the recursive part join a table on a condition, as a walk up a tree does",
        ),
        "SQL_CATALOG": Code("a table is named with its database", "write schema.table; name the database as scope"),
        "SQL_SESSION_SHAPE": Code(
            "{function} is accepted with one literal pid only",
            "read the pids first, then propose {operation} with a list of sessions",
        ),
        "SQL_SESSION_COUNT": Code("a step ends 1 to {max} sessions", "name between 1 and {max} sessions"),
        "SQL_SESSION_TWICE": Code("session {pid} is named twice", "name it once"),
        "SQL_PID": Code("a pid is a number from 1 to {max}", "read it from pg_stat_activity"),
        "SQL_BACKEND_START": Code(
            "backend_start is not a time with a zone",
            "send it as in pg_stat_activity, e.g. 2026-01-31T12:00:00.123456+00:00",
        ),
        "SQL_ALTER_ROLE_SHAPE": Code(
            "only the connection limit of a role can be changed",
            "write ALTER ROLE name CONNECTION LIMIT n",
        ),
        "SQL_ROLE": Code("{role} is not the name of a role that can be changed", "name one ordinary role"),
        "SQL_LIMIT": Code("a connection limit is a number from -1 to {max}", "send such a number"),
        "SQL_PARAMS": Code("the params of this operation are wrong", "send {wanted} and nothing else"),
    }
)
