"""The judge of a cluster's site: what the API server's audit log says was done, against what was proposed.

Every write of the executor counts that the server answered with 2xx and that was no dry run. When an executor dies
while the server answers it, the log says `504 context canceled`, done or not: then the object's generation, which
counts every change of its spec, says whether it was done.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.cli.demo.controlplane.audit import Request
from gateway.core.lifecycle import State
from gateway.ports import ActionRow
from tests.chaos.cluster_site import OLD, ClusterSite, tag_number
from tests.chaos.history import Write
from tests.chaos.judge import one_target, read_database, records
from tests.chaos.site import Intended

WRITER = "system:serviceaccount:countermand:countermand-write"
_ALWAYS = frozenset({"serviceaccounts", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"})
"""Asked for on the way to a change; they store nothing."""


def judge_cluster(site: ClusterSite) -> list[str]:
    """Return everything that is wrong; empty when every action ended, once."""
    database = read_database(site.database)
    found = writes(site)
    return [*records(site, database), *_strangers(site, found), *_targets(site, found, database.rows)]


def writes(site: ClusterSite) -> list[Request]:
    """Return what the executor changed or may have changed, in order."""
    seen = site.cluster.requests(site.mark, user="system:serviceaccount:countermand:")
    ours = [each for each in seen if each.namespace == site.namespace or each.name.startswith(site.namespace)]
    sent = [each for each in ours if each.writes and not each.dry and each.resource not in _ALWAYS]
    return [each for each in sent if _certain(each) or _cut_off(each)]


def _certain(request: Request) -> bool:
    return 200 <= request.status < 300


def _cut_off(request: Request) -> bool:
    return request.status == 0 or request.status >= 500


def evictions(site: ClusterSite, drain: Intended, found: Sequence[Request] | None = None) -> list[str]:
    """Return the pods of a drained node that were evicted, in order."""
    done = writes(site) if found is None else found
    ours = [e for e in done if e.subresource == "eviction" and e.name.startswith(f"{drain.target}-")]
    return [e.name for e in ours if _certain(e)]


def _strangers(site: ClusterSite, found: Sequence[Request]) -> Iterator[str]:
    """Report what nobody proposed, and who should not have written."""
    named = {i.target for i in site.intended}
    for each in found:
        if each.user != WRITER:
            yield f"{each.user} wrote: {each.verb} {each.uri}"
        if each.subresource != "eviction" and each.name not in named:
            yield f"nobody proposed {each.verb} {each.uri}"


def _targets(site: ClusterSite, found: Sequence[Request], rows: Mapping[str, ActionRow]) -> Iterator[str]:
    for i in site.intended:
        if i.tool == "drain":
            yield from _drain(site, i, found, rows)
            continue
        yield from one_target([i], _history(site, i, found), site.value(i), rows, OLD[i.tool])


def _history(site: ClusterSite, i: Intended, found: Sequence[Request]) -> list[Write]:
    """Return what was written to a Deployment: of what was cut off, as much as its generation has beyond the rest."""
    of_it = [each for each in found if each.name == i.target]
    beyond = site.generation(i) - 1 - sum(_certain(each) for each in of_it)
    done = []
    for each in of_it:
        if _certain(each):
            done.append(Write(i.target, _value(i, each)))
        elif beyond > 0:
            done.append(Write(i.target, _value(i, each)))
            beyond -= 1
    return done


def _value(of: Intended, request: Request) -> int:
    """Return what a write sets; -1, which nobody proposes, for a write of anything else."""
    values = list(_leaves(request.body, of.tool))
    if len(values) != 1:
        return -1
    return tag_number(values[0]) if of.tool == "image" else int(values[0])


def _leaves(body: Any, member: str) -> Iterator[Any]:
    """Yield every value under a member's name, also where a JSON patch writes it."""
    if isinstance(body, list):
        for each in body:
            if isinstance(each, dict) and each.get("op") in {"add", "replace"} and str(each["path"]).endswith(member):
                yield each["value"]
            elif not (isinstance(each, dict) and "op" in each):
                yield from _leaves(each, member)
    elif isinstance(body, dict):
        for key, value in body.items():
            if key == member and not isinstance(value, dict | list):
                yield value
            else:
                yield from _leaves(value, member)


def _drain(site: ClusterSite, i: Intended, found: Sequence[Request], rows: Mapping[str, ActionRow]) -> Iterator[str]:
    """Report a pod that was evicted twice, a drain that says it is done and is not, an undo that left a cordon."""
    evicted = Counter(evictions(site, i, found))
    for pod, times in evicted.items():
        if times > 1:
            yield f"{pod} was evicted {times} times"
    state, cordoned, left = State(rows[i.action].state), site.value(i), site.pods_on(i.target)
    if state is State.COMMITTED and (not cordoned or left):
        yield f"{i} is COMMITTED: cordoned {cordoned}, {len(left)} pods left"
    if state in {State.UNDONE, State.NOT_APPLIED} and cordoned:
        yield f"{i} is {state}, and the node is cordoned"
    if state is State.NOT_APPLIED and evicted:
        yield f"{i} is NOT_APPLIED, and {sorted(evicted)} are gone"
