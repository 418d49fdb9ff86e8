"""The gateway's settings: one YAML file, read once, every key known, every wrong key an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

from gateway import strict_yaml
from gateway.config_types import build, listed, mapping, one_of, only, short, text, words
from gateway.core.check import read_checks
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
    only(mapping(raw, "the file"), known, "the file")
    named = mapping(raw.get("environments", {}), "environments")
    environments = {name: _environment(name, each) for name, each in named.items()}
    scopes = mapping(raw.get("scopes", {}), "scopes")
    service = ServiceSettings(
        origin=text(raw.get("origin", "countermand.local/log"), "origin"),
        scopes={k: _site(k, v, environments) for k, v in scopes.items()},
        environments=environments,
        profiles=_profiles(raw.get("verification", {})),
        timing=build(Timing, raw.get("timing", {}), "timing", least=1),
        breaker=build(Breaker, raw.get("breaker", {}), "breaker", least=1),
        concurrency=build(Concurrency, raw.get("concurrency", {}), "concurrency", least=1),
        approval_group=text(raw.get("approval_group", "sre-oncall"), "approval_group"),
    )
    services = raw.get("aws_services")
    return Settings(
        state_dir=_path(base, text(raw.get("state_dir", "state"), "state_dir")),
        service=service,
        scopes={k: _scope(k, v) for k, v in scopes.items()},
        commands=_commands(raw.get("commands", {})),
        aws_services=None if services is None else words(services, "aws_services"),
        sql_functions=frozenset(words(raw.get("sql_functions", []), "sql_functions")),
        policy=_with_paths(PolicySettings, raw.get("policy", {}), "policy", base),
        principals=_principals(raw.get("principals", []), base),
        http=_with_paths(HttpSettings, raw.get("http", {}), "http", base),
        tcp=_each(TcpSettings, raw.get("tcp", []), "tcp", base),
        executor_config=_path(base, text(raw["executor"], "executor")) if raw.get("executor") is not None else None,
        exporters=_sinks(raw.get("exporters", {}), "exporters"),
        notifiers=_sinks(raw.get("notifiers", {}), "notifiers"),
    )


_SCOPE_KEYS = {"tool", "audience", "environments", "default_region", "regions", "default_namespace"}


def _site(name: str, raw: Any, environments: Mapping[str, Environment]) -> ScopeSite:
    where = f"scopes.{name}"
    only(mapping(raw, where), _SCOPE_KEYS, where)
    named = mapping(raw.get("environments", {}), f"{where}.environments")
    if "*" not in named:
        raise ConfigFault("CONFIG_ENVIRONMENT", f"{where}.environments needs an entry for '*'", key=name)
    for environment in named.values():
        if not isinstance(environment, str) or environment not in environments:
            raise ConfigFault("CONFIG_ENVIRONMENT", f"{where} names environment {environment!r}, "
                              "which `environments` does not list", key=name)  # fmt: skip
    return ScopeSite(name, text(raw.get("audience", "executor/local"), f"{where}.audience"), dict(named))


def _scope(name: str, raw: Mapping[str, Any]) -> Scope:
    members = {k: v for k, v in raw.items() if k not in {"audience", "environments"}}
    scope = build(Scope, members, f"scopes.{name}", given={"name": name})
    return replace(scope, regions=(scope.default_region,)) if scope.default_region and "regions" not in raw else scope


def _environment(name: str, raw: Any) -> Environment:
    environment = build(Environment, raw, f"environments.{name}", given={"name": name})
    short(name, 64, "the name of an environment")
    short(environment.criticality, 32, f"environments.{name}.criticality")
    return environment


def _principals(raw: Any, base: Path) -> tuple[PrincipalSettings, ...]:
    principals = _each(PrincipalSettings, raw, "principals", base)
    for i, known in enumerate(principals):
        short(known.id, 128, f"principals[{i}].id")
        before = principals[:i]
        if known.id in {p.id for p in before} or known.certificate in {p.certificate for p in before if p.certificate}:
            _twice(i, f"{known.id!r} or its certificate")
        if known.default and known.door in {p.door for p in before if p.default}:
            _twice(i, f"the default of the {known.door} door")
    return principals


def _twice(index: int, what: str) -> NoReturn:
    where = f"principals[{index}]"
    raise ConfigFault("CONFIG_VALUE", f"{where}: {what} is named twice", key=where)


def _profiles(raw: Any) -> Mapping[str, Mapping[str, Any]]:
    """Return verification profiles; their checks are read here, not when a change waits for its verdict."""
    profiles = mapping(raw, "verification")
    for name, profile in profiles.items():
        where = f"verification.{name}"
        only(mapping(profile, where), {"checks"}, where)
        try:
            read_checks(profile.get("checks"), f"{where}.checks")
        except ValueError as exc:
            raise ConfigFault("CONFIG_VALUE", f"{where}: {exc}", key=where) from exc
    return profiles


def _sinks(raw: Any, where: str) -> Mapping[str, Mapping[str, Any]]:
    """Return who follows the log; what else a sink takes is its own to check."""
    sinks = {name: mapping(each, f"{where}.{name}") for name, each in mapping(raw, where).items()}
    for name, each in sinks.items():
        text(each.get("type", name), f"{where}.{name}.type")
    return sinks


def _commands(raw: Any) -> tuple[CommandShape, ...]:
    """Read the shapes of every word; two that could mean the same argv or the same operation are a fault."""
    if not all(mapping(raw, "commands").values()):
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


def _command(name: str, raw: Any) -> CommandShape:
    where = f"commands.{name}"
    only(mapping(raw, where), {"slots", "effects", "operation", "undo"}, where)
    for key in ("operation", "effects"):
        if key not in raw:
            raise ConfigFault("CONFIG_MISSING_KEY", f"{where} needs {key!r}", key=f"{where}.{key}")
    slots = tuple(_slot(each, f"{where}.slots") for each in listed(raw.get("slots", []), f"{where}.slots"))
    if not listed(raw["effects"], f"{where}.effects"):
        raise ConfigFault("CONFIG_VALUE", f"{where}.effects must name what it does", key=f"{where}.effects")
    effects = frozenset(one_of(e, Effect, f"{where}.effects") for e in words(raw["effects"], f"{where}.effects"))
    undo = one_of(raw.get("undo", "none"), Undo, f"{where}.undo")
    return CommandShape(name, slots, effects, text(raw["operation"], f"{where}.operation"), undo)


def _slot(raw: Any, where: str) -> Slot:
    slot = build(Slot, raw, where, least=-(2**53))
    if (slot.kind in {"literal", "choice"}) != bool(slot.values):
        raise ConfigFault("CONFIG_VALUE", f"{where}: a literal and a choice have values, the other kinds of slots none",
                          key=where)  # fmt: skip
    return slot


def _each(kind: type[T], raw: Any, where: str, base: Path) -> tuple[T, ...]:
    return tuple(_with_paths(kind, each, f"{where}[{i}]", base) for i, each in enumerate(listed(raw, where)))


def _with_paths(kind: type[T], raw: Any, where: str, base: Path) -> T:
    built = build(kind, raw, where)
    paths = {f.name: _path(base, given) for f in fields(kind)  # type: ignore[arg-type]  # every caller passes a dataclass
             if "Path" in str(f.type) and (given := getattr(built, f.name)) is not None}  # fmt: skip
    return replace(built, **paths) if paths else built  # type: ignore[type-var]  # as above


def _path(base: Path, value: str) -> Path:
    path = Path(value).expanduser()
    return path if path.is_absolute() else base / path
