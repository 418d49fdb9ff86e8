"""Work for executors: the canonical plan, the grant for it, and the fence it runs under."""

from collections.abc import Mapping, Sequence

from gateway.core.canonical import Json, canonical
from gateway.core.check import control_of
from gateway.core.predicate import MAX_MS
from gateway.ports import ActionRow
from gateway.service.settings import ServiceSettings
from gateway.service.views import Purpose, WorkView
from gateway.service.world import World


def make_work(
    world: World,
    row: ActionRow,
    purpose: Purpose,
    *,
    grant: bytes,
    plan: bytes,
    fence: int,
    snapshot: bytes = b"",
    checks: list[Json] | None = None,
    first_step: int = 0,
    progress: bytes = b"",
    limit_ms: int | None = None,
) -> WorkView:
    """Return work that must stop touching the target `limit_ms` from now."""
    limit = world.settings.timing.attempt_ms if limit_ms is None else limit_ms
    return WorkView(
        work_id=world.ids.new("wrk"),
        action=row.id,
        purpose=purpose,
        grant=grant,
        plan=plan,
        fence=fence,
        snapshot=snapshot,
        checks=canonical(checks) if checks else b"",
        deadline_ms=world.clock.now_ms() + limit,
        first_step=first_step,
        progress=progress,
    )


def offer(world: World, row: ActionRow, work: WorkView) -> bool:
    """Hand work to an executor of the action's audience; false when none is attached."""
    return world.hub.send(row.audience, work)


def offer_again_ms(world: World, audience: str) -> int:
    """Return when work is offered again: soon to an executor that may have lost it, late where there is none."""
    timing = world.settings.timing
    wait = timing.redispatch_ms if world.hub.serves(audience) else timing.reconcile_ms
    return world.clock.now_ms() + wait


def checks_of(
    settings: ServiceSettings, requirements: Json, steps: Sequence[Mapping[str, Json]], started_ms: int = MAX_MS
) -> list[Json]:
    """Return what telemetry is asked for a decision's verification, placeholders filled, one round for each name.

    A profile's checks are the policy's, or those of the settings' `verification`. The peers of a check stand beside it
    without a `kind`. `started_ms` is when the change was made; for the baseline it is still to come.
    """
    verify = requirements["verify"]
    if verify is None:
        return []
    checks: list[Json] = []
    for use in verify["profiles"]:
        step = steps[use["step"]]["step"]
        profile = use.get("checks") or settings.profiles.get(use["profile"], {}).get("checks", ())
        names = step["target"]["names"] or ("",)
        for index, name in enumerate(names):
            values = _values(step, name, started_ms)
            suffix = f"/{index}" if len(names) > 1 else ""
            checks += [
                each for check in profile for each in _asked(check, f"{use['step']}/{check['name']}{suffix}", values)
            ]
    return checks


def _values(step: Mapping[str, Json], name: str, started_ms: int) -> dict[str, Json]:
    """Return what placeholders stand for; what the gateway knows of the target goes before the step's params."""
    target, api = step["target"], step["api"]
    about = {"scope": target["scope"], "namespace": target.get("namespace") or ""}
    served = {member: api.get(member) or "" for member in ("group", "version", "resource")}
    return {
        **step["params"], **about, "name": name, "kind": target["kind"], "region": target.get("region") or "",
        "object": {**about, **served, "name": name}, "started_ms": started_ms,
    }  # fmt: skip


def _asked(check: Mapping[str, Json], name: str, values: Mapping[str, Json]) -> list[Json]:
    asked = _filled(check, values) | {"name": name}
    if "control" not in check:
        return [asked]
    return [asked, {"name": control_of(name), "provider": asked["provider"], "query": asked["control"]}]


def _filled(value: Json, values: Mapping[str, Json]) -> Json:
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return values.get(value[1:-1], value)
    if isinstance(value, Mapping):
        return {k: _filled(v, values) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(v, values) for v in value]
    return value
