"""Logs that are followed together, and what is said when several of them fail."""

from gateway.executor.targets.kubernetes.answers import ReadError
from gateway.executor.targets.kubernetes.calls import CallFailed
from gateway.executor.targets.kubernetes.logs import failure_of_all

WEB, API = (
    ReadError("K8S_INVALID", "web is waiting to start"),
    CallFailed("K8S_TIMEOUT", "api did not answer", sent=True),
)


def test_every_log_that_failed_is_named_under_the_code_of_the_first() -> None:
    failed = failure_of_all([WEB, API, WEB])
    assert isinstance(failed, ReadError)
    assert (failed.code, failed.detail) == ("K8S_INVALID", "web is waiting to start; api did not answer")


def test_one_failure_and_a_fault_of_ours_stay_what_they_are() -> None:
    fault = ValueError("a bug")
    assert failure_of_all([API]) is API
    assert failure_of_all([WEB, WEB]) is WEB
    assert failure_of_all([fault, WEB, API]) is fault
