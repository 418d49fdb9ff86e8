"""Write the schema that all migrations come to, so that a new store needs none of them; `--check` fails when stale."""

import sys

from gateway.adapters.store_files import in_memory
from gateway.adapters.store_migrate import HEAD, SCHEMA, upgrade

_SQL = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"


def schema() -> str:
    """Run the migrations on an empty database and return its statements, the revision first."""
    files = in_memory()
    keep = files.connect()  # the database lives as long as a connection to it
    upgrade("", files.connect)
    statements = [str(sql) for (sql,) in keep.execute(_SQL)]
    keep.close()
    statements.append(f"INSERT INTO alembic_version (version_num) VALUES ('{HEAD}')")  # our own revision
    return "".join([f"-- {HEAD}\n", *(f"{statement};\n" for statement in statements)])


def main() -> int:
    """Write the file, or compare it."""
    text = schema()
    if "--check" in sys.argv[1:]:
        return int(SCHEMA.read_text(encoding="utf-8") != text)
    SCHEMA.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
