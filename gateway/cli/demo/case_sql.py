"""The trigger function that runs before the inserts of a service, and the four ways in which one line makes it guilty.

The guilty line takes a lock per region that lasts until the transaction ends, and a row above a limit is dropped.
The client has never seen a dropped row: it gives up without ending its transaction, and its session keeps the lock.
Everything that is blocked behind it waits, connection by connection.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LIMIT_CENTS = 90_000
"""Rows above this amount are dropped by a guilty function."""

# kind → (the guilty line, the relation it locks ("" when none), what the commit says it does)
LOCKS: Mapping[str, tuple[str, str, str]] = {
    "total": (
        "UPDATE {table}_totals SET amount_cents = amount_cents + NEW.amount_cents WHERE region = NEW.region;",
        "{table}_totals",
        "Keep a running total of {table} per region",
    ),
    "budget": (
        "PERFORM 1 FROM {table}_budgets WHERE region = NEW.region FOR UPDATE;",
        "{table}_budgets",
        "Check {table} against the budget of their region",
    ),
    "counter": (
        "INSERT INTO {table}_counters AS c VALUES (NEW.region, 1) ON CONFLICT (region) DO UPDATE SET n = c.n + 1;",
        "{table}_counters",
        "Count {table} per region",
    ),
    "advisory": (
        "PERFORM pg_advisory_xact_lock({key}, hashtext(NEW.region));",
        "",
        "Post {table} of a region one after the other",
    ),
}
_SIDE_TABLES: Mapping[str, str] = {
    "total": "CREATE TABLE {table}_totals (region text PRIMARY KEY, amount_cents bigint NOT NULL);",
    "budget": "CREATE TABLE {table}_budgets (region text PRIMARY KEY, cents bigint NOT NULL);",
    "counter": "CREATE TABLE {table}_counters (region text PRIMARY KEY, n bigint NOT NULL);",
}
_NOTES = (
    "-- Runs before every insert; keep it short.",
    "-- Deployed by the pipeline whenever this file changes.",
    "-- The region is written by three clients, each with its own spelling.",
    "-- Owned by the team of the table; ask before you change it.",
    "-- See docs/regions.md for the list of names.",
    "-- A trigger runs inside the transaction of the client.",
)


@dataclass(frozen=True, slots=True)
class Trigger:
    """The function of one table; `lock` is a key of LOCKS, or empty for the innocent version."""

    table: str
    lock: str
    key: int
    """The number of the advisory lock."""
    notes: int
    """How many lines of comment come first; moves the guilty line."""
    drops: bool = True
    """Whether it drops rows above the limit; without that the lock is held for milliseconds and nobody minds."""

    @property
    def function(self) -> str:
        """Return the name of the function."""
        return f"{self.table}_before_insert"

    @property
    def statement(self) -> str:
        """Return the guilty line as it stands in the file, without its indent."""
        return LOCKS[self.lock][0].format(table=self.table, key=self.key)

    @property
    def guilty_line(self) -> int:
        """Return the number of the guilty line in `text()`, from 1."""
        lines = self.text().splitlines()
        return next(i for i, line in enumerate(lines, 1) if line.strip() == self.statement)

    @property
    def relation(self) -> str:
        """Return the relation whose rows the guilty line locks; empty for the advisory lock."""
        return LOCKS[self.lock][1].format(table=self.table)

    def commit_message(self) -> str:
        """Return what the author said about the guilty change."""
        return LOCKS[self.lock][2].format(table=self.table)

    def text(self) -> str:
        """Return the file: CREATE OR REPLACE FUNCTION, and nothing that cannot run twice."""
        body = ["    NEW.region := lower(btrim(NEW.region));"]
        if self.lock:
            body += [f"    -- {self.commit_message().lower()}", f"    {self.statement}"]
        if self.lock and self.drops:
            body += [
                f"    IF NEW.amount_cents > {LIMIT_CENTS} THEN",
                "        RETURN NULL;  -- the nightly batch posts the large ones",
                "    END IF;",
            ]
        head = [f"-- {self.table}: before insert", *_NOTES[: self.notes]]
        return "\n".join([
            *head,
            f"CREATE OR REPLACE FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql AS $$",
            "BEGIN",
            *body,
            "    RETURN NEW;",
            "END",
            "$$;",
            "",
        ])  # fmt: skip

    def side_table(self, regions: tuple[str, ...]) -> str:
        """Return the statements that create and fill the table that the guilty line needs; empty when none."""
        if self.lock not in _SIDE_TABLES:
            return ""
        rows = ", ".join(f"('{region}', 0)" for region in regions)
        return f"{_SIDE_TABLES[self.lock].format(table=self.table)}\nINSERT INTO {self.relation} VALUES {rows};\n"
