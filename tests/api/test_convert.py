"""Views to protobuf, reports from protobuf."""

from typing import get_args

import pytest
from countermand.gateway.v1 import action_pb2, executor_service_pb2

from gateway.api.grpc.convert import action_to_pb, purpose_from_pb, report_from_pb, states_from_pb, work_to_pb
from gateway.core.lifecycle import State
from gateway.errors import InvalidRequest
from gateway.service import reports
from gateway.service.views import ActionView, Purpose, WorkView

EMPTY = ActionView("", "PROPOSED", 0, "", (), None, 0, 0, "", "", "", b"", (), 0, "", "", "")


def test_the_wire_has_a_number_for_every_state_of_the_lifecycle_and_no_more() -> None:
    wire = {name.removeprefix("STATE_") for name in action_pb2.Action.State.keys()} - {"UNSPECIFIED"}  # noqa: SIM118
    assert wire == {state.value for state in State}


@pytest.mark.parametrize("state", [s.value for s in State])
def test_a_state_keeps_its_name_on_the_wire(state: str) -> None:
    message = action_to_pb(ActionView("", state, 0, "", (), None, 0, 0, "", "", "", b"", (), 0, "", "", ""))
    assert states_from_pb([message.state]) == (state,)


def test_an_action_without_a_decision_has_none_on_the_wire() -> None:
    assert not action_to_pb(EMPTY).HasField("decision")


@pytest.mark.parametrize("number", [0, 99])
def test_a_state_that_is_none_is_refused(number: int) -> None:
    with pytest.raises(InvalidRequest, match="states"):
        states_from_pb([number])


@pytest.mark.parametrize("purpose", get_args(Purpose))
def test_a_purpose_keeps_its_name_on_the_wire(purpose: Purpose) -> None:
    work = WorkView("wrk_1", "act_1", purpose, b"g", b"p", 7, b"s", b"c", 9, 1)
    message = work_to_pb(work)
    assert purpose_from_pb(message.purpose) == purpose
    assert (message.work_id, message.action_id, message.grant, message.plan, message.fence) == (
        "wrk_1", "act_1", b"g", b"p", 7,
    )  # fmt: skip
    assert (message.snapshot, message.checks, message.deadline_ms, message.first_step) == (b"s", b"c", 9, 1)


def test_a_purpose_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="purpose"):
        purpose_from_pb(0)


pb = executor_service_pb2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"refusal": pb.Refusal(code="GRANT_EXPIRED", detail="d")}, reports.RefusalReport("GRANT_EXPIRED", "d")),
        ({"observation": pb.Observation(document=b"{}")}, reports.ObservationReport(b"{}")),
        (
            {"step": pb.StepOutcome(step=2, status=pb.STEP_STATUS_NOT_APPLIED, code="C", detail="d", output=b"o",
                                    truncated=True, after=b"{}")},
            reports.StepReport(2, "not_applied", "C", "d", b"o", truncated=True, after=b"{}"),
        ),
        ({"probe": pb.ProbeResult(step=1, status=pb.STEP_STATUS_UNKNOWN, after=b"")},
         reports.ProbeReport(1, "unknown", b"")),
        ({"samples": pb.Samples(document=b"[]")}, reports.SamplesReport(b"[]")),
        (
            {"undo": pb.UndoOutcome(step=1, status=pb.UNDO_STATUS_CONFLICT, code="C", detail="d", read_back=b"{}")},
            reports.UndoReport(1, "conflict", "C", "d", b"{}"),
        ),
        ({"chunk": pb.OutputChunk(step=0, data=b"x")}, reports.ChunkReport(0, b"x")),
    ],
)  # fmt: skip
def test_each_report_arrives_as_its_own_value(body: dict[str, object], expected: reports.Report) -> None:
    assert report_from_pb(pb.ReportRequest(**body)) == expected  # type: ignore[arg-type]  # one body each


def test_every_body_of_the_wire_has_its_report() -> None:
    for field in pb.ReportRequest.DESCRIPTOR.oneofs_by_name["body"].fields:
        request = pb.ReportRequest()
        getattr(request, field.name).SetInParent()
        try:
            report_from_pb(request)
        except InvalidRequest as exc:
            assert exc.code == "ENUM_UNKNOWN"  # noqa: PT017 -- an empty step has no status


@pytest.mark.parametrize(
    "request_",
    [
        pb.ReportRequest(),
        pb.ReportRequest(step=pb.StepOutcome()),
        pb.ReportRequest(probe=pb.ProbeResult()),
        pb.ReportRequest(undo=pb.UndoOutcome()),
    ],
)
def test_a_report_without_a_body_or_status_is_refused(request_: pb.ReportRequest) -> None:
    with pytest.raises(InvalidRequest):
        report_from_pb(request_)
