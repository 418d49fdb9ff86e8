"""Parts of a gateway that need no door: the layout of its files, the catalog, the bundle, the texts.

Shared by the composition root and by commands that work without a running gateway, which must start fast.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.adapters.tables import load_tables
from gateway.config import PolicySettings, Settings
from gateway.core.principal import Door
from gateway.parsing.catalog import Catalog
from gateway.parsing.codes import CODES
from gateway.ports_policy import PolicyEngine
from gateway.service.texts import Texts


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a gateway keeps its files; everything is private to its user."""

    root: Path

    @property
    def database(self) -> Path:
        """Return the state, log and timers."""
        return self.root / "store" / "countermand.db"

    @property
    def keys(self) -> Path:
        """Return the folder of signing keys and of the public key set that executors pin."""
        return self.root / "keys"

    @property
    def secrets(self) -> Path:
        """Return the folder of the passphrase and of the sealing and redaction keys."""
        return self.root / "secrets"

    @property
    def tokens(self) -> Path:
        """Return the folder of generated tokens, one file a principal."""
        return self.root / "tokens"

    def socket(self, door: Door) -> Path:
        """Return the Unix socket of a door."""
        return self.root / "sockets" / f"{door}.sock"


def bundle_path(settings: PolicySettings) -> Path:
    """Return the configured bundle, or the shipped one: beside the package in a wheel, in the repository otherwise."""
    if settings.bundle is not None:
        return settings.bundle
    packaged = Path(__file__).parent / "bundle"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "policies"


def load_catalog(settings: Settings) -> Catalog:
    """Load the parsing tables and return everything that `parse` needs; raises ConfigFault."""
    kubectl, aws = load_tables(settings.aws_services)
    return Catalog(
        scopes=settings.scopes,
        kubectl=kubectl,
        aws=aws,
        commands=settings.commands,
        sql_functions=settings.sql_functions,
    )


def texts_of(policy: PolicyEngine) -> Callable[[], Texts]:
    """Return the texts of the parsers and of the bundle in force, rebuilt when it changes."""
    parsing = {code: (text.message, text.remedy) for code, text in CODES.items()}
    cached: dict[str, Texts] = {}

    def texts() -> Texts:
        bundle = policy.bundle
        revision = "" if bundle is None else bundle.revision
        if revision not in cached:
            known = {} if bundle is None else {code: (t.message, t.remedy) for code, t in bundle.codes.items()}
            cached.clear()
            cached[revision] = Texts(parsing, known)
        return cached[revision]

    return texts
