"""The checks of a bundle, made once for each revision in a test process: they take seconds, and their answer stays."""

from collections.abc import Awaitable, Callable

import pytest

from gateway.adapters import policy_inprocess
from gateway.core.bundle import Bundle

_CHECKED: dict[str, frozenset[tuple[str, str]]] = {}
_PASSED: set[tuple[str, str]] = set()
"""The name of a check and the revision that passed it."""


@pytest.fixture
def bundles_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load a revision that passed before without its lint and its samples; another revision is another bundle."""
    check = policy_inprocess.check_bundle

    def checked(bundle: Bundle) -> frozenset[tuple[str, str]]:
        if bundle.revision not in _CHECKED:
            _CHECKED[bundle.revision] = check(bundle)
        return _CHECKED[bundle.revision]

    monkeypatch.setattr(policy_inprocess, "check_bundle", checked)
    for name in ("check_canary", "evaluate_samples"):
        monkeypatch.setattr(policy_inprocess, name, _once(name, getattr(policy_inprocess, name)))


def _once(name: str, check: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[None]]:
    async def checked(bundle: Bundle, *words: object) -> None:
        if (name, bundle.revision) not in _PASSED:
            await check(bundle, *words)
            _PASSED.add((name, bundle.revision))

    return checked
