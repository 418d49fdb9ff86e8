"""Typed steps as bytes from outside: what is no document of steps is an error, and nothing is recorded."""

import pytest

from gateway.errors import InvalidRequest
from tests.fakes.world import AGENT, lab
from tests.service.say import all_leaves, new

pytestmark = pytest.mark.anyio
STEP = '{"tool":"postgres","operation":"sql.select","params":{"sql":"select 1"}}'
DOCUMENT = f'{{"steps":[{STEP}]}}'


@pytest.mark.parametrize(
    "steps",
    [
        b"", b"[]", b"null", b"{}", b'{"steps":null}', b"\xff" + DOCUMENT.encode(), DOCUMENT.encode("utf-16"),
        DOCUMENT.encode("utf-32"), b"\xef\xbb\xbf" + DOCUMENT.encode(), f"{DOCUMENT} x".encode(),
        f'{{"steps":[],"steps":[{STEP}]}}'.encode(),
        DOCUMENT.replace('"sql":', '"sql":"select 2","sql":').encode(),
        DOCUMENT.replace('"select 1"', "NaN").encode(), DOCUMENT.replace('"select 1"', "1" * 10_000).encode(),
        DOCUMENT.replace('"select 1"', '{"a":' * 5_000 + "1" + "}" * 5_000).encode(),
        ('{"steps":' + "[" * 20_000 + "]" * 20_000 + "}").encode(),
        f'{{"steps":[{STEP}],"dry_run":true}}'.encode(), f'{{"schema":"step/9","steps":[{STEP}]}}'.encode(),
    ],
    ids=lambda steps: ascii(steps[:40]),
)  # fmt: skip
async def test_what_is_no_document_of_steps_is_an_error_and_leaves_no_record(steps: bytes) -> None:
    async with lab() as made:
        size = len(await all_leaves(made))
        with pytest.raises(InvalidRequest) as caught:
            await made.gateway.submit(
                AGENT, request_id=new(), command=None, steps=steps, scope="", incident="", hypothesis="", lease_s=0,
                justification="", validate_only=False,
            )  # fmt: skip
        assert caught.value.code == "STEPS_MALFORMED"
        assert len(await all_leaves(made)) == size


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        (f'{{"steps":[{STEP}],"connectors":5}}', "TYPED_CONNECTORS"),
        (f'{{"steps":[{STEP}],"connectors":"&&"}}', "TYPED_CONNECTORS"),
        (f'{{"steps":[{STEP},{STEP}],"connectors":[["&&"]]}}', "TYPED_CONNECTORS"),
        (f'{{"steps":[{STEP},{STEP}],"connectors":["||"]}}', "TYPED_CONNECTORS"),
        ('{"steps":[]}', "TYPED_COUNT"), ('{"steps":[1]}', "TYPED_MEMBER_TYPE"),
        (DOCUMENT.replace('"tool"', '"schema":"step/9","tool"'), "TYPED_MEMBER_UNKNOWN"),
        (DOCUMENT.replace("select 1", "\\ud800"), "TYPED_NOT_JSON"),
        (DOCUMENT.replace("select 1", "select \\u0000"), "TEXT_CONTROL_CHARACTER"),
        (DOCUMENT.replace('"params"', '"target":{"scope":"nowhere"},"params"'), "SCOPE_UNKNOWN"),
    ],
)  # fmt: skip
async def test_steps_that_mean_nothing_are_denied_with_their_code(steps: str, code: str) -> None:
    async with lab() as made:
        view = await made.gateway.submit(
            AGENT, request_id=new(), command=None, steps=steps.encode(), scope="", incident="", hypothesis="",
            lease_s=0, justification="", validate_only=False,
        )  # fmt: skip
        assert view.state == "DENIED"
        assert view.decision is not None
        assert [finding.code for finding in view.decision.findings] == [code]
