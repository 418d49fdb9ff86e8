"""However changes and leases follow one another: when all leases are over, each field has its last lasting value."""

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.world import VERIFY, Lab, lab

ROLES = ("checkout", "shop")
Change = tuple[str, int, int]
"""(role, limit, seconds of the lease or 0)."""
changes = st.lists(
    st.tuples(st.sampled_from(ROLES), st.integers(1, 40), st.sampled_from([0, 0, 30, 90, 400])), min_size=1, max_size=6
)


@settings(max_examples=8, deadline=None)
@given(changes, st.sets(st.integers(0, 5), max_size=2))
def test_when_all_leases_are_over_each_field_has_its_last_lasting_value(made: list[Change], bad: set[int]) -> None:
    anyio.run(_play, made, bad)


async def _play(made: list[Change], bad: set[int]) -> None:
    async with lab() as world:
        world.policy.obligations = [VERIFY]
        lasting = dict.fromkeys(ROLES, 0)
        ids = []
        for i, (role, limit, lease_s) in enumerate(made):
            # What changes nothing, or writes what its way back leads to (below a lease), harms nothing: telemetry would
            # stay bad after the undo, and people be asked.
            live = world.target.values.get(f"pg:orders-db/role/{role}", 0)
            harms = i in bad and limit not in {live, lasting[role]}
            ids.append(await _change(world, role, limit, lease_s, harms=harms))
            if not lease_s and not harms:
                lasting[role] = limit
        await world.clock.advance(500_000)
        now = {role: world.target.values.get(f"pg:orders-db/role/{role}", 0) for role in ROLES}
        assert now == lasting
        states = {(await world.get(action)).state for action in ids}
        assert states <= {"COMMITTED", "SUPERSEDED", "UNDONE"}
        assert not await world.world.store.read(lambda tx: tx.locks())


async def _change(world: Lab, role: str, limit: int, lease_s: int, *, harms: bool) -> str:
    command = f'psql -c "ALTER ROLE {role} CONNECTION LIMIT {limit}"'.encode()
    world.telemetry.value = 1.0
    view = await world.settled(command, lease_s=lease_s)
    world.telemetry.value = 50.0 if harms else 1.0
    view = await world.after(13_000, view.id)
    world.telemetry.value = 1.0
    assert view.state in ({"UNDONE"} if harms else {"COMMITTED", "LEASED"})
    return view.id
