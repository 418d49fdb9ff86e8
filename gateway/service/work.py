"""Work for executors: the canonical plan, the grant for it, and the fence it runs under."""

from collections.abc import Mapping, Sequence

from gateway.core.canonical import Json, canonical
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
    )


def offer(world: World, row: ActionRow, work: WorkView) -> bool:
    """Hand work to an executor of the action's audience; false when none is attached."""
    return world.hub.send(row.audience, work)


def offer_again_ms(world: World, audience: str) -> int:
    """Return when work is offered again: soon to an executor that may have lost it, late where there is none."""
    timing = world.settings.timing
    wait = timing.redispatch_ms if world.hub.serves(audience) else timing.reconcile_ms
    return world.clock.now_ms() + wait


def checks_of(settings: ServiceSettings, requirements: Json, steps: Sequence[Mapping[str, Json]]) -> list[Json]:
    """Return the telemetry checks that a decision's verification demands, placeholders filled per step."""
    verify = requirements["verify"]
    if verify is None:
        return []
    checks: list[Json] = []
    for use in verify["profiles"]:
        step = steps[use["step"]]["step"]
        values = {**step["params"], "name": next(iter(step["target"]["names"]), ""), "scope": step["target"]["scope"]}
        profile = settings.profiles.get(use["profile"], {}).get("checks", ())
        checks += [_filled(check, values) | {"name": f"{use['step']}/{check['name']}"} for check in profile]
    return checks


def _filled(value: Json, values: Mapping[str, Json]) -> Json:
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        return values.get(value[1:-1], value)
    if isinstance(value, Mapping):
        return {k: _filled(v, values) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(v, values) for v in value]
    return value
