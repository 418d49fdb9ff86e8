"""Who gets the work when several executors serve an audience."""

from gateway.service.hub import Hub
from gateway.service.views import WorkView


def _work(number: int) -> WorkView:
    return WorkView(f"wrk_{number}", "act_1", "apply", b"", b"", 1, b"", b"", 1_000, 0)


def test_an_executor_that_hangs_does_not_get_the_same_work_again_while_another_is_free() -> None:
    hub = Hub()
    first, second = hub.open("here", "hangs"), hub.open("here", "works")
    for number in range(2):
        assert hub.send("here", _work(number))
    assert (first.queue.qsize(), second.queue.qsize()) == (1, 1)
    hub.finish("wrk_1")
    second.queue.get_nowait()
    assert hub.send("here", _work(2))
    assert (first.queue.qsize(), second.queue.qsize()) == (1, 1)


def test_what_a_session_had_in_hand_is_forgotten_with_it() -> None:
    hub = Hub()
    session = hub.open("here", "one")
    hub.send("here", _work(1))
    session.close()
    assert hub.work("wrk_1", "act_1") is None
    assert not hub.send("here", _work(2))
