"""Effects and undo classes: the worst of effects wins, the weakest of undo classes."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.effect import Effect, Undo, only_reads, weakest, worst

effects = st.lists(st.sampled_from(Effect), max_size=6)
undos = st.lists(st.sampled_from(Undo), max_size=6)


def test_the_order_is_that_of_the_design() -> None:
    assert [e.value for e in Effect] == [
        "unknown", "session", "privilege", "boundary", "egress", "destructive", "write", "local", "read_sensitive",
        "read",
    ]  # fmt: skip
    assert [u.value for u in Undo] == ["none", "neutral", "compensating", "exact", "not_needed"]


def test_nothing_known_is_the_worst() -> None:
    assert worst([]) is Effect.UNKNOWN
    assert weakest([]) is Undo.NONE


@given(effects, st.sampled_from(Effect))
def test_one_more_effect_never_makes_it_milder(some: list[Effect], more: Effect) -> None:
    order = list(Effect)
    both = worst([*some, more])
    assert order.index(both) <= order.index(more)
    assert not some or order.index(both) <= order.index(worst(some))


@given(undos, st.sampled_from(Undo))
def test_one_more_step_never_makes_a_plan_easier_to_undo(some: list[Undo], more: Undo) -> None:
    order = list(Undo)
    both = weakest([*some, more])
    assert order.index(both) <= order.index(more)
    assert not some or order.index(both) <= order.index(weakest(some))


@given(effects)
def test_only_what_is_proven_a_read_is_one(some: list[Effect]) -> None:
    assert only_reads(some) is (bool(some) and worst(some) in {Effect.READ, Effect.READ_SENSITIVE})


def test_an_empty_set_proves_no_read() -> None:
    assert not only_reads([])
