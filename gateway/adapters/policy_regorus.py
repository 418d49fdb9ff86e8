"""regorus behind one door: syntax trees, and an engine that takes and gives JSON text.

regorus faults surface as BaseException (Rust panics) as well as RuntimeError, `set_input_json` leaves the
previous input in place when it fails, and an engine may only be used by the thread that built it. So every
evaluation runs on a clone, every fault but an interrupt becomes a PolicyFault, and callers build one per thread.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import orjson
import regorus

from gateway.core.bundle import ENTRY, Bundle, data_document
from gateway.core.bundle_merge import Module, cut, merge
from gateway.core.canonical import Json, canonical, thaw
from gateway.core.rego_ast import Unit, read_unit
from gateway.errors import PolicyFault, PolicyRefused

MAX_INPUT_BYTES = 64 << 10
_UNDEFINED = '"<undefined>"'
_PLACE = re.compile(r"--> (.+?):(\d+):(\d+)")
_MAX_DETAIL = 600
_AUDIT_EVERY = 256
"""One in so many answers of byte code is compared with the interpreter's."""


class RegorusEngine:
    """One prepared engine; build it in the thread that uses it.

    The interpreter is the reference. Byte code (regorus' Rvm) is four times faster and is used only after
    `accelerate` has proven it on this bundle; whatever it cannot answer, the interpreter answers.
    """

    def __init__(self, modules: Iterable[Module], data: Mapping[str, Json]) -> None:
        """Parse and load; raises PolicyRefused POLICY_LOAD_FAILED."""
        self._modules = {module.package: module for module in modules}
        self._data = json.dumps(thaw(data))
        self._engine = regorus.Engine()
        self._program: regorus.Program | None = None
        self._vm: regorus.Rvm | None = None
        self._countdown = _AUDIT_EVERY
        try:
            with _refusing("POLICY_LOAD_FAILED", self._place):
                self._prepare()
        except PolicyRefused:
            self.close()
            raise

    def close(self) -> None:
        """Drop regorus' objects now and in this thread, whoever still refers to this one (a traceback does)."""
        self._engine = self._program = self._vm = None

    @property
    def accelerated(self) -> bool:
        """Tell whether byte code answers."""
        return self._vm is not None

    def evaluate(self, document: bytes, rule: str = ENTRY) -> str:
        """Evaluate a rule over JSON bytes and return JSON text.

        Raises PolicyFault POLICY_INPUT_TOO_LARGE, POLICY_ENGINE_ERROR, POLICY_UNDEFINED or, when byte code and
        interpreter disagree (byte code is given up then), POLICY_ENGINES_DISAGREE.
        """
        if len(document) > MAX_INPUT_BYTES:
            raise PolicyFault("POLICY_INPUT_TOO_LARGE", f"the policy input exceeds {MAX_INPUT_BYTES} bytes")
        text = document.decode()
        answer = self._run(text) if rule == ENTRY else None
        if answer is None:
            return self._interpret(text, rule)
        self._countdown -= 1
        if self._countdown <= 0:
            self._countdown = _AUDIT_EVERY
            if _comparable(answer) != _comparable(self._interpret(text, rule)):
                self._vm = None
                raise PolicyFault("POLICY_ENGINES_DISAGREE", "byte code and interpreter answer differently")
        return answer

    def accelerate(self, probes: Iterable[bytes] | None) -> str:
        """Use byte code if it agrees with the interpreter on every probe; None: it was proven in another process.

        Returns an empty text, or why the interpreter stays.
        """
        sources = [(module.package, module.text) for module in self._modules.values()]
        try:
            self._program = regorus.Program.compile_from_modules(self._data, sources, [ENTRY])
            self._vm = self._new_vm()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:  # noqa: BLE001  # pyo3's PanicException is no Exception
            self._program = self._vm = None
            return self._place(_headline(exc))
        for probe in probes or ():
            text = probe.decode()
            answer = self._run(text)
            if answer is not None and not self._same(text, answer):
                self._program = self._vm = None
                return f"byte code and interpreter disagree about {text[:200]}"
        return ""

    def _prepare(self) -> None:
        for module in self._modules.values():
            self._engine.add_policy(module.package, module.text)
        self._engine.add_data_json(self._data)
        # Late checks fire now, and clones inherit the prepared rules (three times faster).
        self._engine.set_input_json("{}")
        self._engine.eval_rule_as_json(ENTRY)

    def _same(self, text: str, answer: str) -> bool:
        try:
            return bool(_comparable(self._interpret(text, ENTRY)) == _comparable(answer))
        except PolicyFault:
            return False

    def _interpret(self, text: str, rule: str) -> str:
        engine = None
        try:
            engine = self._engine.clone()
            engine.set_input_json(text)
            answer = str(engine.eval_rule_as_json(rule))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:  # pyo3's PanicException is no Exception
            raise PolicyFault("POLICY_ENGINE_ERROR", self._place(_headline(exc))) from exc
        finally:
            engine = None  # a traceback must not keep it
        if answer == _UNDEFINED:
            raise PolicyFault("POLICY_UNDEFINED", f"{rule} is undefined")
        return answer

    def _run(self, text: str) -> str | None:
        """Answer by byte code, or None: not in use, out of instructions, a fault, or its undefined marker."""
        if self._vm is None:
            return None
        try:
            self._vm.set_input_json(text)
            answer = str(self._vm.execute_entry_point(ENTRY))
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # noqa: BLE001  # pyo3's PanicException is no Exception; the interpreter answers
            self._vm = self._new_vm()
            return None
        return None if _UNDEFINED in answer else answer

    def _new_vm(self) -> regorus.Rvm:
        vm = regorus.Rvm()
        vm.load_program(self._program)
        vm.set_data_json(self._data)
        return vm

    def _place(self, message: str) -> str:
        """Map the places in a message back to the bundle's files."""

        def place(match: re.Match[str]) -> str:
            module = self._modules.get(match[1])
            path, line = module.locate(int(match[2])) if module is not None else (match[1], int(match[2]))
            return f"--> {path}:{line}:{match[3]}"

        return _PLACE.sub(place, message)


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
    try:
        with _refusing("POLICY_LINT"):
            engine.add_policy(path, text)
            (tree,) = orjson.loads(engine.get_ast_as_json())
            return read_unit(cut(path, text), text, tree["ast"])
    finally:
        del engine  # a traceback that leaves this thread must not take it along


@contextmanager
def _refusing(code: str, place: Callable[[str], str] = str) -> Iterator[None]:
    """Turn whatever regorus raises while a bundle is loaded into its refusal."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as exc:  # pyo3's PanicException is no Exception
        raise PolicyRefused(code, place(_headline(exc))) from exc


def _headline(exc: BaseException) -> str:
    return str(exc).partition("Stack backtrace")[0].strip()[:_MAX_DETAIL]


def _comparable(answer: str) -> Json:
    """Return an answer without the order of its sets."""
    raw = json.loads(answer)
    return {key: sorted(map(canonical, value)) if isinstance(value, list) else value for key, value in raw.items()}
