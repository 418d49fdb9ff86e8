"""What a cluster serves is recorded before proposals are read with it, and names itself in the decision."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.canonical import canonical, loads_strict
from gateway.core.discovery import ServedKind, read, write
from gateway.core.kinds import LeafKind as K
from gateway.parsing.catalog import Catalog, Scope
from gateway.service.announce import kept_as
from gateway.service.clusters import Clusters
from gateway.service.gateway import Gateway
from gateway.service.settings import ScopeSite
from gateway.service.start import started
from gateway.service.world import World
from tests.fakes.world import AGENT, AUDIENCE, Lab, lab, violations

pytestmark = pytest.mark.anyio
NAMESPACED = True
WIDGETS = ServedKind(
    "shop.example", "v1", "widgets", "widget", "Widget", (), (), NAMESPACED, ("get", "list", "patch"), ("status",)
)
DOCUMENT = write([WIDGETS])


def clusters(made: Lab) -> World:
    """Return the lab's world with two clusters, of two audiences."""
    scopes = {name: Scope(name, "kubernetes") for name in ("eu", "us")}
    catalog = Catalog({**made.world.catalog.scopes, **scopes}, made.world.catalog.kubectl, made.world.catalog.aws)
    sites = {"eu": ScopeSite("eu", AUDIENCE, {"*": "prod"}), "us": ScopeSite("us", "executor/us", {"*": "prod"})}
    settings = replace(made.world.settings, scopes={**made.world.settings.scopes, **sites})
    return replace(made.world, catalog=catalog, settings=settings)


async def told(world: World, scope: str, document: bytes = DOCUMENT, audience: str = AUDIENCE) -> tuple[bool, str]:
    return await Gateway(world).announce(audience=audience, instance="executor-0", scope=scope, document=document)


async def explained(world: World, command: str, scope: str) -> str:
    """Return the verdict, or the code of the refusal, of a command that is not run."""
    view = await Gateway(world).submit(
        AGENT, request_id="", command=command.encode(), steps=None, scope=scope, justification="", incident="",
        hypothesis="", lease_s=0, validate_only=True,
    )  # fmt: skip
    assert view.decision is not None
    codes = [finding.code for finding in view.decision.findings]
    return "K8S_KIND_UNKNOWN" if "K8S_KIND_UNKNOWN" in codes else view.decision.verdict


async def test_a_kind_that_the_cluster_adds_is_known_once_the_executor_has_told() -> None:
    async with lab() as made:
        world = clusters(made)
        assert await explained(world, "kubectl get widgets", "eu") == "K8S_KIND_UNKNOWN"
        assert await told(world, "eu") == (True, "")
        assert await explained(world, "kubectl get widgets", "eu") == "allow"
        assert await explained(world, "kubectl get widgets", "us") == "K8S_KIND_UNKNOWN"


async def test_the_policy_input_names_the_digest_of_the_discovery() -> None:
    async with lab() as made:
        world = clusters(made)
        await told(world, "eu")
        await explained(world, "kubectl get widgets", "eu")
        assert f"discovery:{read(DOCUMENT).digest}" in made.policy.asked[-1]["steps"][0]["why"]


async def test_every_change_of_what_is_served_is_a_leaf_and_nothing_else_is() -> None:
    async with lab() as made:
        world = clusters(made)
        newer = write([replace(WIDGETS, version="v2")])
        for document in (DOCUMENT, DOCUMENT, newer):
            assert await told(world, "eu", document) == (True, "")
        leaves = await world.store.read(lambda tx: [leaf for _, leaf in tx.leaves(0, tx.log_head().size)])
        found = [leaf for leaf in map(loads_strict, leaves) if leaf["kind"] == K.DISCOVERY.value]
        assert [leaf["body"]["digest"] for leaf in found] == [read(DOCUMENT).digest, read(newer).digest]
        assert found[1]["body"]["served"] == ["widgets.shop.example@v2"]


@pytest.mark.parametrize(
    ("scope", "audience", "document", "reason"),
    [
        ("us", AUDIENCE, DOCUMENT, "SCOPE_NOT_YOURS"),
        ("nowhere", AUDIENCE, DOCUMENT, "SCOPE_NOT_YOURS"),
        ("orders-db", AUDIENCE, DOCUMENT, "SCOPE_NOT_YOURS"),
        ("eu", "executor/us", DOCUMENT, "SCOPE_NOT_YOURS"),
        ("eu", AUDIENCE, b"{}", "DISCOVERY_MALFORMED"),
        ("eu", AUDIENCE, canonical({"v": 1, "kinds": [{"group": "x"}]}), "DISCOVERY_MALFORMED"),
    ],
)
async def test_what_is_not_the_executors_to_tell_is_refused(
    scope: str, audience: str, document: bytes, reason: str
) -> None:
    async with lab() as made:
        world = clusters(made)
        assert await told(world, scope, document, audience) == (False, reason)
        assert world.clusters.digests == {}


async def test_a_refused_document_leaves_the_last_good_one_in_force() -> None:
    async with lab() as made:
        world = clusters(made)
        await told(world, "eu")
        await told(world, "eu", DOCUMENT[:-1])
        assert await explained(world, "kubectl get widgets", "eu") == "allow"


async def restarted(world: World) -> World:
    """Return the world of the next process over the same store."""
    fresh = replace(world, clusters=Clusters())
    await started(fresh)
    return fresh


async def test_after_a_restart_the_newest_of_each_scope_is_in_force_until_it_is_told_anew() -> None:
    async with lab() as made:
        world = clusters(made)
        newer = write([replace(WIDGETS, version="v2")])
        for scope, document, audience in (("eu", DOCUMENT, AUDIENCE), ("us", DOCUMENT, "executor/us"),
                                          ("eu", newer, AUDIENCE)):  # fmt: skip
            assert await told(world, scope, document, audience) == (True, "")
        fresh = await restarted(world)
        assert fresh.clusters.digests == {"eu": read(newer).digest, "us": read(DOCUMENT).digest}
        assert await explained(fresh, "kubectl get widgets", "us") == "allow"


async def test_what_a_decision_was_read_with_is_kept_under_the_digest_that_it_names() -> None:
    async with lab() as made:
        world = clusters(made)
        await told(world, "eu")
        await explained(world, "kubectl get widgets", "eu")
        (why,) = [each for each in made.policy.asked[-1]["steps"][0]["why"] if each.startswith("discovery:")]
        digest = why.removeprefix("discovery:")
        assert await world.store.read(lambda tx: tx.document("", kept_as(digest))) == DOCUMENT


async def test_a_cluster_that_goes_back_to_what_it_served_is_recorded_again_and_stored_once() -> None:
    async with lab() as made:
        world = clusters(made)
        newer = write([replace(WIDGETS, version="v2")])
        for document in (DOCUMENT, newer, DOCUMENT):
            assert await told(world, "eu", document) == (True, "")
        assert (await restarted(world)).clusters.digests == {"eu": read(DOCUMENT).digest}


async def test_a_scope_that_was_taken_out_of_the_settings_is_not_remembered() -> None:
    async with lab() as made:
        await told(clusters(made), "eu")
        assert (await restarted(made.world)).clusters.digests == {}


async def test_a_stored_document_that_was_edited_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    async with lab(path=path) as made:
        world = clusters(made)
        await told(world, "eu")
        edited = write([replace(WIDGETS, plural="deployments", group="apps")])
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE documents SET data = ? WHERE action = ''", (edited,))
        try:
            assert (await restarted(world)).clusters.digests == {}
            assert any("DOCUMENT_DIFFERS" in found for found in await violations(made))
        finally:
            with sqlite3.connect(path) as connection:
                connection.execute("UPDATE documents SET data = ? WHERE action = ''", (DOCUMENT,))
