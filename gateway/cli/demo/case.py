"""What a seed decides: who is guilty, of which line, in which file; pure: a seed always tells the same story."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.cli.demo.case_sql import LOCKS, Trigger

REGIONS = ("eu-north", "eu-west", "us-east", "us-west", "ap-south")
# service → the table it writes, and what its rows are called in commit messages
SERVICES = {
    "catalog": "price_changes",
    "checkout": "orders",
    "inventory": "stock_moves",
    "ledger": "postings",
    "loyalty": "point_grants",
    "payments": "captures",
    "returns": "return_labels",
    "shipping": "parcels",
    "subscriptions": "renewals",
    "wallet": "top_ups",
}
PEOPLE = (
    "Aisha Bello", "Bruno Costa", "Chen Wei", "Dana Levi", "Emil Novak", "Fatima Zahra", "Goran Ilic", "Hana Sato",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Service:
    """A client of the database, and how much it asks for."""

    name: str
    table: str
    demand: float
    """Requests per second that its users make."""
    plan_limit: float
    """The throttle of its API key's usage plan before anybody touches it."""

    @property
    def role(self) -> str:
        """Return its own database role."""
        return f"svc_{self.name}"

    @property
    def trigger_file(self) -> str:
        """Return the repository path of the function that runs before its inserts."""
        return f"db/repeatable/R__{self.table}_before_insert.sql"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of the repository, to be written as drawn."""

    author: str
    age_s: int
    message: str
    files: tuple[tuple[str, str], ...]
    """(path, whole text)."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a seed decides."""

    seed: int
    services: tuple[Service, ...]
    guilty: Service
    busiest: Service
    """The innocent service that asks for most."""
    regions: tuple[str, ...]
    trigger: Trigger
    """The trigger function with the guilty line."""
    innocent: tuple[Trigger, ...]
    """The trigger functions of all services before the guilty commit; one takes a lock and does no harm."""
    commits: tuple[Commit, ...]
    guilty_commit: int
    """Index into `commits`."""

    @property
    def file(self) -> str:
        """Return the path of the guilty file."""
        return self.guilty.trigger_file

    @property
    def line(self) -> int:
        """Return the number of the guilty line, from 1."""
        return self.trigger.guilty_line

    @property
    def author(self) -> str:
        """Return who wrote the guilty line."""
        return self.commits[self.guilty_commit].author


def draw(seed: int) -> Case:
    """Return the case of a seed."""
    rng = random.Random(seed)  # noqa: S311  # a story, not a secret
    names = rng.sample(sorted(SERVICES), 4)
    demands = (9.0, 12.0, 2.0, 2.0)
    limits = (40.0, 60.0, 20.0, 20.0)
    services = tuple(Service(n, SERVICES[n], d, lim) for n, d, lim in zip(names, demands, limits, strict=True))
    guilty, busiest = services[0], services[1]
    regions = tuple(rng.sample(REGIONS, rng.randint(3, 4)))
    trigger = Trigger(guilty.table, rng.choice(sorted(LOCKS)), rng.randint(1_000, 9_999), rng.randint(0, 6))
    shown = tuple(sorted(services, key=lambda s: s.name))
    innocent = _innocent(rng, shown, trigger)
    commits, index = _history(rng, shown, guilty, trigger, innocent)
    return Case(seed, shown, guilty, busiest, regions, trigger, innocent, commits, index)


def _innocent(rng: random.Random, services: tuple[Service, ...], guilty: Trigger) -> tuple[Trigger, ...]:
    """Return the functions as they were; another table's takes a lock too, and gives it back at once."""
    locks_too = rng.choice([s.table for s in services if s.table != guilty.table])
    return tuple(
        Trigger(
            s.table,
            "counter" if s.table == locks_too else "",
            0,
            guilty.notes if s.table == guilty.table else rng.randint(0, 6),
            drops=False,
        )
        for s in services
    )


def _history(
    rng: random.Random,
    services: tuple[Service, ...],
    guilty: Service,
    trigger: Trigger,
    innocent: tuple[Trigger, ...],
) -> tuple[tuple[Commit, ...], int]:
    """Return a history in which the guilty commit is recent but not the newest, among innocent look-alikes."""
    people = rng.sample(PEOPLE, 5)
    culprit, others = people[0], people[1:]
    before = [_commit(rng, others, "Start the schema of the shop", *_schema(services))]
    for plain in rng.sample(innocent, len(innocent)):
        path = f"db/repeatable/R__{plain.table}_before_insert.sql"
        said = plain.commit_message() if plain.lock else f"Normalise the region of {plain.table} before insert"
        before.append(_commit(rng, others, said, (path, plain.text())))
    before.append(_commit(rng, others, f"Index {guilty.table} by time", _index(guilty, 2)))
    bystanders = [s for s in services if s != guilty]
    later = rng.sample(bystanders, rng.randint(1, 2))
    after = [_commit(rng, others, f"Index {s.table} by time", _index(s, 3 + i)) for i, s in enumerate(later)]
    guilty_commit = _commit(rng, [culprit], trigger.commit_message(), (guilty.trigger_file, trigger.text()))
    ages = _ages(rng, len(before), len(after))
    dated = [replace(c, age_s=a) for c, a in zip([*before, guilty_commit, *after], ages, strict=True)]
    return tuple(dated), len(before)


def _commit(rng: random.Random, people: Sequence[str], message: str, *files: tuple[str, str]) -> Commit:
    return Commit(rng.choice(people), 0, message, files)


def _ages(rng: random.Random, before: int, after: int) -> list[int]:
    """Return seconds before now, oldest first: old ones by days, the guilty one and what followed by minutes."""
    day = 86_400
    old = sorted((rng.randint(3 * day, 60 * day) for _ in range(before)), reverse=True)
    recent = sorted((rng.randint(120, 1_500) for _ in range(after + 1)), reverse=True)
    return old + recent


def _schema(services: tuple[Service, ...]) -> tuple[tuple[str, str], ...]:
    tables = [f"-- rows of the {s.name} service\n{table_sql(s.table)}" for s in services]
    readme = "# shop-db\n\nThe schema of the shop. `db/migrations` run once, `db/repeatable` whenever they change.\n"
    return (("README.md", readme), ("db/migrations/V001__schema.sql", "\n".join(tables)))


def table_sql(table: str) -> str:
    """Return the statement that creates a service's table."""
    return (
        f"CREATE TABLE {table} (\n"
        "    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
        "    region text NOT NULL,\n"
        "    amount_cents bigint NOT NULL,\n"
        "    created_at timestamptz NOT NULL DEFAULT clock_timestamp()\n"
        ");\n"
    )


def _index(service: Service, number: int) -> tuple[str, str]:
    """Return a migration that nobody has to fear; the indexes themselves exist from the start."""
    path = f"db/migrations/V{number:03d}__{service.table}_created_at.sql"
    text = f"-- the dashboards of {service.name} ask for the newest rows\n"
    return path, f"{text}CREATE INDEX {service.table}_created_at ON {service.table} (created_at);\n"
