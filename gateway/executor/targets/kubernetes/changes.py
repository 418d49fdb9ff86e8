"""Which verbs change something here, and how; every other verb of the table is refused with a reason."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.core.step import Step
from gateway.executor.output import OnChunk
from gateway.executor.targets import seen as see
from gateway.executor.targets.kubernetes.applying import Applying
from gateway.executor.targets.kubernetes.bodies import verb_of
from gateway.executor.targets.kubernetes.calls import Api
from gateway.executor.targets.kubernetes.deleting import Deleting
from gateway.executor.targets.kubernetes.draining import Draining
from gateway.executor.targets.kubernetes.evicting_pods import EvictingPods
from gateway.executor.targets.kubernetes.making import Making
from gateway.executor.targets.kubernetes.operation import Operation
from gateway.executor.targets.kubernetes.patching import Patching
from gateway.executor.targets.kubernetes.rollouts import Restarting, RollingBack
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone

_PATCHING = (
    "scale", "pause", "resume", "set_image", "set_resources", "set_env", "set_selector", "set_serviceaccount",
    "set_subject", "label", "annotate", "patch", "cordon", "uncordon", "taint",
)  # fmt: skip
_REFUSED = ("approve", "deny")


def changes(api: Api, clock: Clock) -> Mapping[str, Operation]:
    """Return verb → operation."""
    patching, making = Patching(api, clock), Making(api, clock)
    return MappingProxyType({
        **dict.fromkeys(_PATCHING, patching), **dict.fromkeys(_REFUSED, Refusing(clock)),
        "apply": Applying(api, clock), "create": making, "expose": making,
        "delete": Deleting(api, clock), "evict": EvictingPods(api, clock), "drain": Draining(api, clock),
        "restart": Restarting(api, clock), "undo": RollingBack(api, clock),
    })  # fmt: skip


class Refusing:
    """What this executor does not do: a certificate is approved or denied by a person."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def observe(self, step: Step) -> Observed:
        """Say that it is not done here."""
        fact = see.unknown(step.target.id, self._clock.now_ms(), "K8S_NOT_EXECUTED")
        return Observed((fact,), see.preflight("failed", code="K8S_NOT_EXECUTED"), {}, Undo.NONE)

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:  # noqa: ARG002
        """Do nothing."""
        return Applied("not_applied", "K8S_NOT_EXECUTED", f"{verb_of(step)} is not run here; ask a person to do it")

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Nothing was done."""
        return await self.apply(step, snapshot, _unheard)

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:  # noqa: ARG002
        """Nothing was done."""
        return Undone("impossible", "K8S_NOT_EXECUTED", f"{verb_of(step)} is not run here")


async def _unheard(data: bytes) -> None:
    """Drop output."""
