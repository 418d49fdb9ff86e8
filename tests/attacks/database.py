"""Whoever can write to the file of a running gateway's database, with sqlite3 and nothing else."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateway.core.canonical import canonical
from gateway.core.merkle import leaf_hash

Row = tuple[object, ...]


class Attacker:
    """Changes rows behind the gateway's back; `undone` puts them back, so that what follows can be audited."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, statement: str, *args: object) -> list[Row]:
        """Run one statement and commit it."""
        with closing(sqlite3.connect(self.path, timeout=20)) as db:
            rows = db.execute(statement, args).fetchall()
            db.commit()
        return rows

    @contextmanager
    def undone(self, *tables: str) -> Iterator[None]:
        """Put these tables back at the end."""
        before = {table: self.run(f"SELECT * FROM {table}") for table in tables}  # names of tests
        try:
            yield
        finally:
            for table, rows in before.items():
                if table != "leaves":  # what was appended since stays
                    self.run(f"DELETE FROM {table}")  # as above
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    self.run(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", *row)  # as above

    def push(self, action: str, state: str, due: str, **columns: object) -> None:
        """Set a row to a state, forget that its steps and its nonce were used, and let it be done now."""
        for name, value in {"state": state, **columns}.items():
            self.run(f"UPDATE actions SET {name} = ? WHERE id = ?", value, action)  # as above
        self.run("DELETE FROM steps WHERE action = ?", action)
        self.run("DELETE FROM nonces WHERE action = ?", action)
        self.run("INSERT OR REPLACE INTO due VALUES (?, ?, 0, '', 0)", action, due)

    def forge_leaf(self, index: int, **members: object) -> None:
        """Change members of a leaf, and the hash that is stored with it."""
        [(body,)] = self.run("SELECT body FROM leaves WHERE idx = ?", index)
        assert isinstance(body, bytes)
        forged = canonical({**json.loads(body), **members})
        self.run("UPDATE leaves SET body = ?, hash = ? WHERE idx = ?", forged, leaf_hash(forged), index)
