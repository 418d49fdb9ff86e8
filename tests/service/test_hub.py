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


def test_a_place_is_kept_where_most_hands_are_free() -> None:
    hub = Hub()
    hub.open("here", "asks")
    small = hub.open("here", "small", process="s", concurrency=1)
    large = hub.open("here", "large", process="l", concurrency=2)
    with hub.place("here") as first, hub.place("here") as second, hub.place("here") as third:
        assert (first, {second, third}) == (large, {small, large})
        with hub.place("here") as none:
            assert none is None
    hub.send("here", _work(1))
    with hub.place("nowhere") as none:
        assert none is None


def test_no_place_is_kept_on_the_old_line_of_a_process_that_attached_again() -> None:
    hub = Hub()
    hub.open("here", "one", process="1", concurrency=9)
    again = hub.open("here", "one", process="1", concurrency=1)
    with hub.place("here") as kept:
        assert kept is again


def test_what_a_session_had_in_hand_is_forgotten_with_it() -> None:
    hub = Hub()
    session = hub.open("here", "one")
    hub.send("here", _work(1))
    session.close()
    assert hub.work("wrk_1", "act_1") is None
    assert not hub.send("here", _work(2))
