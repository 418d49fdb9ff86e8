"""Output is kept up to a limit, and streamed when it is large or slow."""

import asyncio
import time
from collections.abc import Callable
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from gateway.executor.output import CHUNK_BYTES, Output
from tests.executor.steps import Heard


def collect(
    limit: int, parts: list[bytes], now_s: Callable[[], float] = time.monotonic
) -> tuple[bytes, list[bytes], bool]:
    async def run() -> tuple[bytes, list[bytes], bool]:
        heard = Heard()
        output = Output(limit, heard, now_s)
        for part in parts:
            await output.add(part)
        return await output.finish(), heard.chunks, output.truncated

    return asyncio.run(run())


@given(st.integers(0, 200_000), st.lists(st.integers(0, 90_000).map(lambda n: bytes([n % 251]) * n), max_size=6))
def test_what_is_kept_is_the_beginning_and_what_is_streamed_is_what_is_kept(limit: int, parts: list[bytes]) -> None:
    whole = b"".join(parts)
    kept, chunks, truncated = collect(limit, parts)
    assert kept == whole[:limit]
    assert truncated == (len(whole) > limit)
    assert not chunks or b"".join(chunks) == kept
    assert all(0 < len(chunk) <= CHUNK_BYTES for chunk in chunks)
    assert chunks or len(kept) < CHUNK_BYTES


def test_slow_output_is_shown_before_it_is_large() -> None:
    seconds = count()
    assert collect(100, [b"a", b"b"], lambda: float(next(seconds)))[1] == [b"a", b"b"]


def test_small_and_quick_output_comes_with_the_outcome_only() -> None:
    assert collect(100, [b"a", b"b"], lambda: 0.0) == (b"ab", [], False)


def test_a_line_is_kept_whole_or_not_at_all() -> None:
    async def run() -> tuple[list[bool], bytes, bool]:
        output = Output(5, Heard())
        fits = [await output.add_line(line) for line in (b"ab\n", b"cde\n", b"f\n")]
        return fits, await output.finish(), output.truncated

    assert asyncio.run(run()) == ([True, False, False], b"ab\n", True)
