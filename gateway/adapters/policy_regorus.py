"""regorus behind one door: syntax trees, and an engine that takes and gives JSON text.

regorus faults surface as BaseException (Rust panics) as well as RuntimeError, `set_input_json` leaves the
previous input in place when it fails, and an engine may only be used by the thread that built it. So every
evaluation runs on a clone, every fault but an interrupt becomes a PolicyFault, and callers build one per thread.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import regorus

from gateway.core.bundle import ENTRY, Bundle, data_document
from gateway.core.bundle_merge import Module, cut, merge
from gateway.core.canonical import Json, thaw
from gateway.core.rego_ast import Unit, read_unit
from gateway.errors import PolicyFault, PolicyRefused

MAX_INPUT_BYTES = 64 << 10
_UNDEFINED = '"<undefined>"'
_PLACE = re.compile(r"--> (.+?):(\d+):(\d+)")
_MAX_DETAIL = 600


class RegorusEngine:
    """One prepared engine; build it in the thread that uses it."""

    def __init__(self, modules: Iterable[Module], data: Mapping[str, Json]) -> None:
        """Parse and load; raises PolicyRefused POLICY_LOAD_FAILED."""
        self._modules = {module.package: module for module in modules}
        self._engine = regorus.Engine()
        with _refusing("POLICY_LOAD_FAILED"):
            for module in self._modules.values():
                self._engine.add_policy(module.package, module.text)
            self._engine.add_data_json(json.dumps(thaw(data)))
            # Late checks fire now, and clones inherit the prepared rules (three times faster).
            self._engine.set_input_json("{}")
            self._engine.eval_rule_as_json(ENTRY)

    def evaluate(self, document: bytes, rule: str = ENTRY) -> str:
        """Evaluate a rule over JSON bytes and return JSON text.

        Raises PolicyFault POLICY_INPUT_TOO_LARGE, POLICY_ENGINE_ERROR or POLICY_UNDEFINED.
        """
        if len(document) > MAX_INPUT_BYTES:
            raise PolicyFault("POLICY_INPUT_TOO_LARGE", f"the policy input exceeds {MAX_INPUT_BYTES} bytes")
        try:
            engine = self._engine.clone()
            engine.set_input_json(document.decode())
            answer = str(engine.eval_rule_as_json(rule))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:  # pyo3's PanicException is no Exception
            raise PolicyFault("POLICY_ENGINE_ERROR", self._detail(exc)) from exc
        if answer == _UNDEFINED:
            raise PolicyFault("POLICY_UNDEFINED", f"{rule} is undefined")
        return answer

    def _detail(self, exc: BaseException) -> str:
        """Return the first lines of a message, its places mapped back to the bundle's files."""

        def place(match: re.Match[str]) -> str:
            module = self._modules.get(match[1])
            path, line = module.locate(int(match[2])) if module is not None else (match[1], int(match[2]))
            return f"--> {path}:{line}:{match[3]}"

        return _PLACE.sub(place, _headline(exc))


def modules_of(bundle: Bundle, *, with_tests: bool = False) -> tuple[Module, ...]:
    """Merge the bundle's files by package; raises PolicyRefused POLICY_LINT for a head that cannot be merged."""
    texts = {**bundle.modules, **(bundle.tests if with_tests else {})}
    try:
        return merge(cut(path, text) for path, text in texts.items())
    except ValueError as exc:
        raise PolicyRefused("POLICY_LINT", str(exc)) from exc


def units_of(bundle: Bundle, *, with_tests: bool = True) -> tuple[Unit, ...]:
    """Parse every file for the lint; raises PolicyRefused POLICY_LINT for a syntax error."""
    texts = {**bundle.modules, **(bundle.tests if with_tests else {})}
    return tuple(_unit(path, text) for path, text in sorted(texts.items()))


def engine_of(bundle: Bundle, config: Mapping[str, Json] | None = None) -> RegorusEngine:
    """Build an engine for this thread; `config` replaces the bundle's own."""
    return RegorusEngine(modules_of(bundle), data_document(bundle.config if config is None else config))


def _unit(path: str, text: str) -> Unit:
    engine = regorus.Engine()
    with _refusing("POLICY_LINT"):
        engine.add_policy(path, text)
        (tree,) = json.loads(engine.get_ast_as_json())
        return read_unit(cut(path, text), text, tree["ast"])


@contextmanager
def _refusing(code: str) -> Iterator[None]:
    """Turn whatever regorus raises while a bundle is loaded into its refusal."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as exc:  # pyo3's PanicException is no Exception
        raise PolicyRefused(code, _headline(exc)) from exc


def _headline(exc: BaseException) -> str:
    return str(exc).partition("Stack backtrace")[0].strip()[:_MAX_DETAIL]
