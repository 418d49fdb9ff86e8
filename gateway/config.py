"""The gateway's settings: one YAML file, read once, every key known, every wrong key an error."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, TypeVar

from gateway import strict_yaml
from gateway.core.effect import Effect, Undo
from gateway.errors import ConfigFault
from gateway.parsing.catalog import CommandShape, Scope, Slot
from gateway.parsing.shapes import overlap
from gateway.service.settings import Breaker, Concurrency, Environment, ScopeSite, ServiceSettings, Timing

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """Which bundle is enforced, and by which engine."""

    bundle: Path | None = None
    """Folder or .tar.gz of the bundle; the shipped one when absent."""
    overlay: Path | None = None
    """Folder of `<topic>/data.yaml` files that replace the bundle's own configuration."""
    engine: Literal["regorus", "opa"] = "regorus"
    workers: int = 2
    """Supervised evaluation processes; 0 evaluates in the gateway's own process."""
    timeout_ms: int = 1_000
    """A longer evaluation is a denial and costs its worker."""
    opa_url: str = ""
    """Base URL of an OPA server; only for engine `opa`."""
    opa_socket: Path | None = None
    """Unix socket of the same server, for the hot path."""


@dataclass(frozen=True, slots=True)
class PrincipalSettings:
    """An identity and the file that holds its bearer token."""

    id: str
    door: Literal["agent", "approver", "executor"]
    owner: str = ""
    groups: tuple[str, ...] = ()
    model_tier: str = "unknown"
    token_file: Path | None = None
    certificate: str = ""
    """URI name in the caller's client certificate, such as a SPIFFE id."""
    default: bool = False
    """The identity of whoever connects to this door's private socket without a token."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The HTTP door: health, metrics, JWKS, webhooks."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 leaves the HTTP door closed."""
    webhook_secret_file: Path | None = None
    """Secret that alerts are signed with; without it the webhook is closed."""


@dataclass(frozen=True, slots=True)
class TcpSettings:
    """A door over TCP, besides its Unix socket; every call shows a token or a client certificate."""

    door: Literal["agent", "approver", "executor"]
    port: int
    host: str = "127.0.0.1"
    certificate: Path | None = None
    """PEM chain of this gateway; needed for any address that is not loopback."""
    key: Path | None = None
    client_ca: Path | None = None
    """PEM roots of client certificates; with it a caller must show one, and its URI name is its identity."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything `countermand serve` needs."""

    state_dir: Path
    """Database, keys, secrets and sockets; made private (0700) at the first start. Default: `state`."""
    service: ServiceSettings
    scopes: Mapping[str, Scope]
    """What steps can act on; see `scopes.<name>`."""
    commands: tuple[CommandShape, ...] = ()
    """Processes that may be proposed, by the word that is typed: one shape, or a list of shapes that no argv shares."""
    aws_services: tuple[str, ...] | None = None
    """AWS services whose commands are understood; all known ones when absent."""
    sql_functions: frozenset[str] = frozenset()
    """Functions of this site that a plain SQL read may call, besides the known pure ones."""
    policy: PolicySettings = field(default_factory=PolicySettings)
    principals: tuple[PrincipalSettings, ...] = ()
    http: HttpSettings = field(default_factory=HttpSettings)
    tcp: tuple[TcpSettings, ...] = ()
    executor_config: Path | None = None
    """Configuration of the child executor; none is started without it."""
    exporters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Who follows the log, by name: `{type: jsonl, path: …}`."""
    notifiers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Who is told of what needs a person, by name: `{type: webhook, url: …, secret_file: …}`."""


def load_settings(path: Path) -> Settings:
    """Read a settings file; paths in it are relative to its folder. Raises ConfigFault."""
    try:
        raw = strict_yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigFault("CONFIG_UNREADABLE", f"cannot read {path}: {exc}", path=str(path)) from exc
    return settings_of({} if raw is None else raw, path.parent)


def settings_of(raw: Mapping[str, Any], base: Path) -> Settings:
    """Build settings from a parsed file; raises ConfigFault naming the first wrong key."""
    known = {
        "state_dir", "origin", "environments", "scopes", "verification", "timing", "breaker", "concurrency",
        "commands",
        "aws_services", "sql_functions", "policy", "principals", "http", "tcp", "executor", "exporters", "notifiers",
        "approval_group",
    }  # fmt: skip
    _only(raw, known, "the file")
    environments = {k: Environment(k, **_members(v, Environment, f"environments.{k}", skip={"name"}))
                    for k, v in raw.get("environments", {}).items()}  # fmt: skip
    sites = {k: _site(k, v, environments) for k, v in raw.get("scopes", {}).items()}
    service = ServiceSettings(
        origin=raw.get("origin", "countermand.local/log"),
        scopes=sites,
        environments=environments,
        profiles=raw.get("verification", {}),
        timing=Timing(**_members(raw.get("timing", {}), Timing, "timing")),
        breaker=Breaker(**_members(raw.get("breaker", {}), Breaker, "breaker")),
        concurrency=Concurrency(**_members(raw.get("concurrency", {}), Concurrency, "concurrency")),
        approval_group=raw.get("approval_group", "sre-oncall"),
    )
    services = raw.get("aws_services")
    return Settings(
        state_dir=_path(base, raw.get("state_dir", "state")),
        service=service,
        scopes={k: _scope(k, v) for k, v in raw.get("scopes", {}).items()},
        commands=_commands(raw.get("commands", {})),
        aws_services=None if services is None else tuple(services),
        sql_functions=frozenset(raw.get("sql_functions", ())),
        policy=_with_paths(PolicySettings, raw.get("policy", {}), "policy", base),
        principals=tuple(_principal(p, base) for p in raw.get("principals", ())),
        http=_with_paths(HttpSettings, raw.get("http", {}), "http", base),
        tcp=tuple(_with_paths(TcpSettings, t, "tcp", base) for t in raw.get("tcp", ())),
        executor_config=_path(base, raw["executor"]) if raw.get("executor") else None,
        exporters=raw.get("exporters", {}),
        notifiers=raw.get("notifiers", {}),
    )


_SCOPE_KEYS = {"tool", "audience", "environments", "default_region", "regions", "default_namespace"}


def _site(name: str, raw: Mapping[str, Any], environments: Mapping[str, Environment]) -> ScopeSite:
    _only(raw, _SCOPE_KEYS, f"scopes.{name}")
    mapping = raw.get("environments", {})
    if "*" not in mapping:
        raise ConfigFault("CONFIG_ENVIRONMENT", f"scopes.{name}.environments needs an entry for '*'", key=name)
    for environment in mapping.values():
        if environment not in environments:
            raise ConfigFault("CONFIG_ENVIRONMENT", f"scopes.{name} names environment {environment!r}, "
                              "which `environments` does not list", key=name)  # fmt: skip
    return ScopeSite(name, raw.get("audience", "executor/local"), dict(mapping))


def _scope(name: str, raw: Mapping[str, Any]) -> Scope:
    region = raw.get("default_region")
    regions = tuple(raw.get("regions", (region,) if region else ()))
    return Scope(name, raw["tool"], region, regions, raw.get("default_namespace", "default"))


def _commands(raw: Mapping[str, Any]) -> tuple[CommandShape, ...]:
    """Read the shapes of every word; two that could mean the same argv or the same operation are a fault."""
    if not isinstance(raw, Mapping):
        raise ConfigFault("CONFIG_SHAPE", "commands must be a mapping", key="commands")
    if not all(raw.values()):
        raise ConfigFault("CONFIG_VALUE", "commands: every word needs at least one shape", key="commands")
    shapes = tuple(_command(k, each) for k, v in raw.items() for each in (v if isinstance(v, list) else [v]))
    for one, other in combinations(shapes, 2):
        if one.operation == other.operation or overlap(one, other):
            raise ConfigFault(
                "CONFIG_COMMANDS_OVERLAP",
                f"commands.{one.name}: {one.operation} and {other.operation} of {other.name} can be the same command; "
                "give each shape an operation of its own and a literal that tells it from the others",
                key=one.name,
            )
    return shapes


def _command(name: str, raw: Mapping[str, Any]) -> CommandShape:
    _only(raw, {"slots", "effects", "operation", "undo"}, f"commands.{name}")
    for key in ("operation", "effects"):
        if key not in raw:
            raise ConfigFault("CONFIG_MISSING_KEY", f"commands.{name} needs {key!r}", key=f"commands.{name}.{key}")
    slots = tuple(_slot(s, f"commands.{name}.slots") for s in raw.get("slots", ()))
    effects, undo = frozenset(raw["effects"]), raw.get("undo", "none")
    _one_of(effects, Effect, f"commands.{name}.effects")
    _one_of({undo}, Undo, f"commands.{name}.undo")
    return CommandShape(name, slots, effects, raw["operation"], undo)


def _slot(raw: Mapping[str, Any], where: str) -> Slot:
    members = _tupled(_members(raw, Slot, where))
    kinds, kind = ("literal", "choice", "int", "word"), members.get("kind")
    if kind not in kinds or (kind in {"literal", "choice"}) != bool(members.get("values")):
        raise ConfigFault("CONFIG_VALUE", f"{where}: a slot has one kind of {', '.join(kinds)}; a literal and a choice "
                          "have values, the others none", key=where)  # fmt: skip
    return Slot(**members)


def _one_of(given: Iterable[str], known: type[StrEnum], where: str) -> None:
    wrong = sorted(str(value) for value in set(given) - {member.value for member in known})
    if wrong:
        raise ConfigFault("CONFIG_VALUE", f"{where} has no value {wrong[0]!r}; one of: {', '.join(known)}", key=where)


def _principal(raw: Mapping[str, Any], base: Path) -> PrincipalSettings:
    return _with_paths(PrincipalSettings, raw, "principals", base)


def _with_paths(kind: type[T], raw: Mapping[str, Any], where: str, base: Path) -> T:
    members = _tupled(_members(raw, kind, where))
    for f in fields(kind):  # type: ignore[arg-type]  # every caller passes a dataclass
        if "Path" in str(f.type) and members.get(f.name) is not None:
            members[f.name] = _path(base, members[f.name])
    return kind(**members)


def _tupled(members: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in members.items()}


def _members(raw: Mapping[str, Any], kind: type[Any], where: str, skip: frozenset[str] | set[str] = frozenset()
             ) -> dict[str, Any]:  # fmt: skip
    _only(raw, {f.name for f in fields(kind)} - set(skip), where)
    return dict(raw)


def _only(raw: Mapping[str, Any], known: set[str], where: str) -> None:
    if not isinstance(raw, Mapping):
        raise ConfigFault("CONFIG_SHAPE", f"{where} must be a mapping", key=where)
    unknown = sorted(set(raw) - known)
    if unknown:
        raise ConfigFault("CONFIG_UNKNOWN_KEY", f"{where} has no setting {unknown[0]!r}", key=unknown[0])


def _path(base: Path, value: str) -> Path:
    path = Path(value).expanduser()
    return path if path.is_absolute() else base / path
