"""The purity guard itself: a guard that cannot fail proves nothing."""

import types

import pytest


def test_io_from_a_core_frame_is_caught() -> None:
    module = types.ModuleType("gateway.core.planted")
    exec("def leak():\n    return open('/dev/null')", module.__dict__)  # plants the violation
    with pytest.raises(AssertionError, match=r"gateway\.core did IO"):
        module.leak()


def test_io_from_another_frame_is_left_alone() -> None:
    with open("/dev/null", "rb") as null:  # noqa: PTH123  # the audit event under test is `open`
        assert null.read() == b""
