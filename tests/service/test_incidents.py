"""Incidents: what is evidence, for whom, and until when."""

import pytest

from gateway.core.canonical import Json
from gateway.errors import InvalidRequest, NotFound, Precondition
from gateway.service.reports import StepReport
from gateway.service.views import IncidentView
from tests.fakes.world import AGENT, ALICE, OTHER_AGENT, READ, VERIFY, Lab, lab
from tests.service.hand import FAST, Hand, applied
from tests.service.say import new

pytestmark = pytest.mark.anyio
ROLES = b'psql -c "SELECT rolname FROM pg_roles"'


async def _alert(made: Lab) -> IncidentView:
    return await made.gateway.open_alert(
        "alertmanager", title="full", labels={}, alert_ms=made.clock.now_ms(), fingerprint="f1"
    )


async def _asked(made: Lab, incident: str) -> Json:
    """Return the incident as the policy sees it when a change is proposed under it."""
    await made.settled(incident=incident)
    return made.policy.asked[-1]["incident"]


async def test_a_read_that_succeeded_is_evidence_with_the_targets_that_the_parser_named() -> None:
    async with lab() as made:
        alert = await _alert(made)
        read = await made.settled(READ, incident=alert.id, hypothesis="h1")
        [seen] = (await _asked(made, alert.id))["reads"]
        targets = [s["target"]["id"] for s in made.policy.asked[0]["steps"]]
        assert seen == {
            "action": read.id, "hypothesis": "h1", "targets": targets, "at_ms": made.clock.now_ms(),
            "outcome": "succeeded",
        }  # fmt: skip


async def test_a_read_that_failed_is_kept_and_is_no_evidence() -> None:
    async with lab(executor=False) as made:
        alert, hand = await _alert(made), Hand.attach(made)
        read = await made.settled(READ, incident=alert.id)
        work = await hand.take("apply")
        await hand.begin(work)
        await hand.say(work, applied(0, "not_applied", "SQL_ERROR"))
        assert (await made.get(read.id)).state == "FAILED"
        [row] = await made.world.store.read(lambda tx: tx.reads(alert.id))
        assert row.outcome == "failed"
        await made.settled(incident=alert.id)
        assert made.policy.asked[-1]["incident"]["reads"] == []
        _, hypothesis = await made.gateway.add_hypothesis(ALICE, new(), alert.id, "a leak")
        with pytest.raises(Precondition) as caught:
            await made.gateway.declare_cause(ALICE, new(), alert.id, hypothesis, "x", (read.id,))
        assert caught.value.code == "EVIDENCE_UNKNOWN"


async def test_a_read_whose_executor_was_lost_is_no_evidence() -> None:
    async with lab(FAST, executor=False) as made:
        alert, hand = await _alert(made), Hand.attach(made)
        read = await made.settled(READ, incident=alert.id)
        await hand.begin(await hand.take("apply"))
        view = await made.after(6_000, read.id)
        assert (view.state, view.reason) == ("FAILED", "EXECUTOR_LOST")
        assert [r.outcome for r in await made.world.store.read(lambda tx: tx.reads(alert.id))] == ["failed"]


async def test_reads_of_other_agents_count_for_the_incident_that_they_were_made_for() -> None:
    async with lab() as made:
        alert = await _alert(made)
        read = await made.settled(READ, agent=OTHER_AGENT, incident=alert.id)
        await made.settled(ROLES)
        assert [r["action"] for r in (await _asked(made, alert.id))["reads"]] == [read.id]


async def test_nothing_is_evidenced_by_a_closed_incident() -> None:
    async with lab() as made:
        alert = await _alert(made)
        await made.settled(READ, incident=alert.id)
        assert await _asked(made, alert.id) is not None
        await made.gateway.close_incident(ALICE, new(), alert.id)
        assert await _asked(made, alert.id) is None
        read = await made.settled(ROLES, incident=alert.id)
        assert read.state == "SUCCEEDED"
        assert read.id not in {r.action for r in await made.world.store.read(lambda tx: tx.reads(alert.id))}
        with pytest.raises(Precondition):
            await made.gateway.add_hypothesis(AGENT, new(), alert.id, "late")
        with pytest.raises(Precondition):
            await made.gateway.close_incident(ALICE, new(), alert.id)
        assert (await made.gateway.get_incident(ALICE, alert.id)).phase == "closed"


async def test_a_read_that_ends_after_its_incident_was_closed_is_no_evidence() -> None:
    async with lab(executor=False) as made:
        alert, hand = await _alert(made), Hand.attach(made)
        await made.settled(READ, incident=alert.id)
        work = await hand.take("apply")
        await hand.begin(work)
        await made.gateway.close_incident(ALICE, new(), alert.id)
        await hand.say(work, StepReport(0, "applied", "", "", b"row\n", truncated=False, after=b""))
        assert await made.world.store.read(lambda tx: tx.reads(alert.id)) == []


@pytest.mark.parametrize("command", [READ, b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 5"'])
async def test_an_incident_that_does_not_exist_is_a_denial_that_says_so(command: bytes) -> None:
    async with lab() as made:
        view = await made.submit(command, incident="inc_00000000000000000000000000")
        assert (view.state, view.reason) == ("DENIED", "INCIDENT_UNKNOWN")
        assert view.decision is not None
        assert any(f.code == "INCIDENT_UNKNOWN" and f.remedy for f in view.decision.findings)


async def test_a_hypothesis_that_nobody_stated_moves_no_phase() -> None:
    async with lab() as made:
        alert = await _alert(made)
        await made.settled(READ, incident=alert.id, hypothesis="h9")
        assert (await made.gateway.get_incident(ALICE, alert.id)).phase == "triage"
        _, hypothesis = await made.gateway.add_hypothesis(ALICE, new(), alert.id, "a leak")
        await made.settled(ROLES, incident=alert.id, hypothesis=hypothesis)
        assert (await made.gateway.get_incident(ALICE, alert.id)).phase == "validation"


async def test_an_alert_that_fires_again_is_the_incident_that_is_open() -> None:
    async with lab() as made:
        first = await _alert(made)
        assert (await _alert(made)).id == first.id
        await made.gateway.close_incident(ALICE, new(), first.id)
        assert (await _alert(made)).id != first.id


@pytest.mark.parametrize("command", [READ, b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 5"'])
async def test_an_incident_that_an_agent_opened_asks_people_about_changes_only(command: bytes) -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        incident = await made.gateway.open_incident(AGENT, new(), "mine")
        view = await made.settled(command, incident=incident.id)
        assert view.state == ("SUCCEEDED" if command == READ else "AWAITING_APPROVAL")
        other = await made.gateway.open_incident(ALICE, new(), "by hand")
        assert (await made.settled(command, incident=other.id)).state in {"SUCCEEDED", "VERIFYING"}


async def test_a_request_for_an_incident_counts_once() -> None:
    async with lab() as made:
        request = new()
        first = await made.gateway.open_incident(ALICE, request, "twice")
        assert (await made.gateway.open_incident(ALICE, request, "twice")).id == first.id
        with pytest.raises(InvalidRequest):
            await made.gateway.open_incident(ALICE, request, "other")
        with pytest.raises(NotFound):
            await made.gateway.add_hypothesis(ALICE, new(), "inc_none", "x")


async def test_an_incident_without_a_title_and_a_hypothesis_without_words_are_refused() -> None:
    async with lab() as made:
        incident = (await made.gateway.open_incident(ALICE, new(), "slow")).id
        for text in ("", " \n"):
            with pytest.raises(InvalidRequest) as titled:
                await made.gateway.open_incident(AGENT, new(), text)
            with pytest.raises(InvalidRequest) as supposed:
                await made.gateway.add_hypothesis(AGENT, new(), incident, text)
            assert (titled.value.code, supposed.value.code) == ("TITLE_MISSING", "HYPOTHESIS_MISSING")
        assert [i.id for i in (await made.gateway.list_incidents(ALICE, page_size=9, page_token="", open_only=False))[0]
                ] == [incident]  # fmt: skip
