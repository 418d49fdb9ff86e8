import re

from gateway.adapters.ids import UlidIds
from tests.fakes.clock import START_MS, VirtualClock


class Hands(VirtualClock):
    """A clock set by hand, backwards too."""

    def __init__(self) -> None:
        super().__init__()
        self.at_ms = START_MS

    def now_ms(self) -> int:
        return self.at_ms


def test_an_id_is_its_prefix_and_26_characters_of_crockford_base32() -> None:
    assert re.fullmatch(r"act_[0-7][0-9A-HJKMNP-TV-Z]{25}", UlidIds(VirtualClock()).new("act"))


def test_ids_sort_by_time() -> None:
    clock = Hands()
    ids = UlidIds(clock)
    made = []
    for step in (0, 1, 1_000, 10**9):
        clock.at_ms += step
        made.append(ids.new("act"))
        clock.at_ms += 1
    assert made == sorted(made)


def test_ids_made_after_the_clock_was_set_back_do_not_sort_before_older_ones() -> None:
    clock = Hands()
    ids = UlidIds(clock)
    first = ids.new("act")
    clock.at_ms -= 60_000
    assert ids.new("act")[4:14] == first[4:14]


def test_the_time_of_an_id_can_be_read_from_its_first_ten_characters() -> None:
    clock = Hands()
    clock.at_ms = 1469922850259  # the example of the ULID specification
    assert UlidIds(clock).new("inc")[4:14] == "01ARZ3NDEK"


def test_no_id_and_no_nonce_is_given_twice() -> None:
    ids = UlidIds(VirtualClock())
    assert len({ids.new("act") for _ in range(2_000)}) == 2_000
    assert len({ids.nonce() for _ in range(2_000)}) == 2_000


def test_a_nonce_is_22_url_safe_characters() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", UlidIds(VirtualClock()).nonce())
