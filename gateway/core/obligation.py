"""Obligations: what a decision demands besides its verdict, folded to the strictest of each (DESIGN §4).

approvals  union of groups, the highest n and the strongest assurance of each group
lease      the shortest maximum; required when one obligation requires it
verify     union of profiles, longest window, shortest interval, strictest consequences
ttl        the shortest grant and approval life; the longest undo window; notify is a union
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from gateway.core import shape
from gateway.core.assurance import Assurance, strongest
from gateway.core.canonical import Json, loads_strict
from gateway.core.check import read_checks
from gateway.core.step import MAX_STEPS

MAX_OBLIGATIONS = 1024
MAX_APPROVERS = 16
_DAY_S = 86_400
_SECONDS = ("grant_ttl_s", "approval_ttl_s", "undo_window_s")


class Consequence(IntEnum):
    """What follows a verification that did not prove the change good; a greater one is stricter."""

    COMMIT_FLAGGED = 0
    NEEDS_HUMAN = 1
    UNDO = 2

    @property
    def word(self) -> str:
        """Return the name that policies use: `commit_flagged`, `needs_human`, `undo`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, order=True)
class Approval:
    """`n` people of a group must approve, each with at least this assurance."""

    group: str
    n: int
    assurance: Assurance = Assurance.TOKEN

    def to_json(self) -> dict[str, Json]:
        """Return the form that policies emit and records keep."""
        return {"group": self.group, "n": self.n, "assurance": self.assurance.value}


@dataclass(frozen=True, slots=True)
class Lease:
    """A change may (required: must) be given back after at most `max_ttl_s` seconds."""

    max_ttl_s: int
    required: bool = False


@dataclass(frozen=True, slots=True, order=True)
class ProfileUse:
    """A verification profile applied to the target of one step."""

    step: int
    profile: str
    checks: bytes = b""
    """The checks that the policy gives with it, canonical JSON; empty where the gateway's settings have them."""

    def to_json(self) -> dict[str, Json]:
        """Return the form that records keep."""
        checks = {"checks": loads_strict(self.checks)} if self.checks else {}
        return {"step": self.step, "profile": self.profile, **checks}


@dataclass(frozen=True, slots=True)
class VerifySpec:
    """How a change is verified and what follows when it is not proven good."""

    profiles: tuple[ProfileUse, ...]
    window_s: int
    interval_s: int
    on_ineffective: Consequence = Consequence.UNDO
    on_inconclusive: Consequence = Consequence.UNDO

    def to_json(self) -> dict[str, Json]:
        """Return the form that records keep."""
        return {
            "profiles": [use.to_json() for use in self.profiles],
            "window_s": self.window_s,
            "interval_s": self.interval_s,
            "on_ineffective": self.on_ineffective.word,
            "on_inconclusive": self.on_inconclusive.word,
        }


@dataclass(frozen=True, slots=True)
class Obligation:
    """What one rule demands for one step."""

    code: str
    step: int
    approvals: tuple[Approval, ...] = ()
    lease: Lease | None = None
    verify: VerifySpec | None = None
    notify: frozenset[str] = frozenset()
    grant_ttl_s: int | None = None
    approval_ttl_s: int | None = None
    undo_window_s: int | None = None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What all obligations together demand of an action; None leaves it to the gateway's settings."""

    approvals: tuple[Approval, ...] = ()
    lease_max_ttl_s: int | None = None
    lease_required: bool = False
    verify: VerifySpec | None = None
    notify: frozenset[str] = frozenset()
    grant_ttl_s: int | None = None
    approval_ttl_s: int | None = None
    undo_window_s: int | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the form that decision records keep."""
        return {
            "approvals": [a.to_json() for a in self.approvals],
            "lease": {"max_ttl_s": self.lease_max_ttl_s, "required": self.lease_required},
            "verify": None if self.verify is None else self.verify.to_json(),
            "notify": sorted(self.notify),
            **{name: getattr(self, name) for name in _SECONDS},
        }


def parse_obligations(raw: Json, steps: int = MAX_STEPS) -> tuple[Obligation, ...]:
    """Read the policy's `obligations` about `steps` steps; raises ValueError for anything malformed."""
    return tuple(_obligation(value, steps) for value in shape.array(raw, "obligations", MAX_OBLIGATIONS))


def fold_obligations(obligations: Iterable[Obligation]) -> Requirements:
    """Fold obligations to the strictest of each kind; order and repetition do not matter."""
    found = tuple(obligations)
    leases = tuple(o.lease for o in found if o.lease is not None)
    return Requirements(
        approvals=_fold_approvals(a for o in found for a in o.approvals),
        lease_max_ttl_s=min((lease.max_ttl_s for lease in leases), default=None),
        lease_required=any(lease.required for lease in leases),
        verify=_fold_verify(tuple(o.verify for o in found if o.verify is not None)),
        notify=frozenset().union(*(o.notify for o in found)),
        grant_ttl_s=min((o.grant_ttl_s for o in found if o.grant_ttl_s is not None), default=None),
        approval_ttl_s=min((o.approval_ttl_s for o in found if o.approval_ttl_s is not None), default=None),
        undo_window_s=max((o.undo_window_s for o in found if o.undo_window_s is not None), default=None),
    )


def _fold_approvals(approvals: Iterable[Approval]) -> tuple[Approval, ...]:
    groups: dict[str, Approval] = {}
    for new in approvals:
        old = groups.get(new.group, new)
        assurance = strongest((old.assurance, new.assurance))
        groups[new.group] = Approval(new.group, max(old.n, new.n), assurance)
    return tuple(sorted(groups.values()))


def _fold_verify(specs: tuple[VerifySpec, ...]) -> VerifySpec | None:
    if not specs:
        return None
    return VerifySpec(
        profiles=tuple(sorted({use for spec in specs for use in spec.profiles})),
        window_s=max(spec.window_s for spec in specs),
        interval_s=min(spec.interval_s for spec in specs),
        on_ineffective=max(spec.on_ineffective for spec in specs),
        on_inconclusive=max(spec.on_inconclusive for spec in specs),
    )


def _obligation(value: Json, steps: int) -> Obligation:
    kinds = frozenset({"approvals", "lease", "verify", "notify", *_SECONDS})
    item = shape.members(value, "an obligation", frozenset({"code", "step"}), kinds)
    code = shape.code(item["code"], "code of an obligation")
    if not kinds & item.keys():
        raise ValueError(f"{code} obliges to nothing")
    step = shape.integer(item["step"], f"step of {code}", 0, steps - 1)
    return Obligation(
        code=code,
        step=step,
        approvals=tuple(_approval(a, code) for a in shape.array(item.get("approvals", ()), f"approvals of {code}", 16)),
        lease=_lease(item["lease"], code) if "lease" in item else None,
        verify=_verify(item["verify"], step, code) if "verify" in item else None,
        notify=frozenset(
            shape.word(n, f"notify of {code}") for n in shape.array(item.get("notify", ()), f"notify of {code}", 16)
        ),
        **{name: _seconds(item, name, code) for name in _SECONDS if name in item},
    )


def _approval(value: Json, code: str) -> Approval:
    item = shape.members(value, f"an approval of {code}", frozenset({"group", "n"}), frozenset({"assurance"}))
    return Approval(
        group=shape.word(item["group"], f"group of {code}"),
        n=shape.integer(item["n"], f"n of {code}", 1, MAX_APPROVERS),
        assurance=_assurance(item.get("assurance", Assurance.TOKEN.value), code),
    )


def _assurance(value: Json, code: str) -> Assurance:
    try:
        return Assurance(value)
    except ValueError as exc:
        raise ValueError(f"assurance of {code} is unknown") from exc


def _lease(value: Json, code: str) -> Lease:
    item = shape.members(value, f"lease of {code}", frozenset({"max_ttl_s"}), frozenset({"required"}))
    return Lease(
        _seconds(item, "max_ttl_s", code), required=shape.flag(item.get("required", False), f"required of {code}")
    )


def _verify(value: Json, step: int, code: str) -> VerifySpec:
    what = f"verify of {code}"
    optional = frozenset({"on_ineffective", "on_inconclusive", "checks"})
    item = shape.members(value, what, frozenset({"profile", "window_s", "interval_s"}), optional)
    checks = read_checks(item["checks"], f"checks of {code}") if "checks" in item else b""
    spec = VerifySpec(
        profiles=(ProfileUse(step, shape.word(item["profile"], f"profile of {code}"), checks),),
        window_s=_seconds(item, "window_s", code),
        interval_s=_seconds(item, "interval_s", code),
        on_ineffective=_consequence(item.get("on_ineffective", "undo"), f"on_ineffective of {code}"),
        on_inconclusive=_consequence(item.get("on_inconclusive", "undo"), f"on_inconclusive of {code}"),
    )
    if spec.interval_s > spec.window_s:
        raise ValueError(f"{what} samples less than once in its window")
    if spec.on_inconclusive == Consequence.COMMIT_FLAGGED:
        raise ValueError(f"{what} would commit without data")
    return spec


def _consequence(value: Json, what: str) -> Consequence:
    for consequence in Consequence:
        if value == consequence.word:
            return consequence
    raise ValueError(f"{what} is not undo, needs_human or commit_flagged")


def _seconds(item: Mapping[str, Json], name: str, code: str) -> int:
    return shape.integer(item[name], f"{name} of {code}", 1, 30 * _DAY_S)
