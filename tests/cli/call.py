"""Call a command in this process, as `countermand` would."""

import contextlib
import io
import json
from dataclasses import dataclass
from typing import Any

from gateway.cli.main import main


@dataclass(frozen=True)
class Called:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out, self.err
        return json.loads(self.out)


def call(*args: str) -> Called:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(args))
    return Called(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
