"""The figures for people and for programs."""

from statistics import median
from typing import Any

from gateway.cli.bench.result import STAGE_TEXTS, Result
from gateway.cli.text import table as columns

_SCHEMA = "countermand.bench-decision/1"
_NAMES = {
    "echo": "bare gRPC echo",
    "decision": "full decision over gRPC",
    "read": "governed read, end to end",
    "parse": "parse only",
    "decide/worker": "decide, regorus in a worker",
    "decide/interpreter": "decide, regorus in process",
    "decide/bytecode": "decide, its byte code",
    "decide/opa": "decide, OPA server",
}


def to_json(result: Result) -> dict[str, Any]:
    """Return the document of `--json`; times are microseconds unless their name says otherwise."""
    stages = result.stages()
    spent, total = sum(stages.values()), result.total_us()
    return {
        "schema": _SCHEMA,
        "p50_ratio": round(result.p50_ratio(1), 3),
        "rate_ratio": round(result.rate_ratio(32), 3),
        "ratios": {
            str(n): {"p50": round(result.p50_ratio(n), 3), "rate": round(result.rate_ratio(n), 3)} for n in (1, 32)
        },
        "setup": {**result.setup, "rounds": len(result.slices["echo", 1])},
        "variants": {name: _variant(result, name) for name in _present(result)},
        "stages": {
            "us": {name: round(us, 1) for name, us in stages.items()},
            "sum_us": round(spent, 1),
            "total_us": round(total, 1),
            "share": round(spent / total, 3),
            "p50_us": round(result.middle("traced", 1).p50_us, 1),
            "calls": len(result.timed),
        },
        "cold_start_ms": [round(s * 1000) for s in result.cold_s],
        "idle_rss_mb": _memory(result),
    }


def table(result: Result) -> str:
    """Return the figures as text."""
    rows: list[tuple[str, ...]] = [("", "callers", "p50 us", "p99 us", "per s", "CPU us")]
    for name in _present(result):
        rows += [_row(result, name, callers) for callers in (1, 32)]
    stages = result.stages()
    spent, total = sum(stages.values()), result.total_us()
    timed = [(name, f"{us:.0f}", f"{us / total:.0%}", STAGE_TEXTS[name]) for name, us in stages.items()]
    timed.append(("sum", f"{spent:.0f}", f"{spent / total:.0%}", f"of {total:.0f} us that the client waited"))
    memory = _memory(result)
    facts = [
        ("p50 of a decision to an echo, 1 caller", f"{result.p50_ratio(1):.2f}", "aim <= 2.5"),
        ("rate of decisions to echoes, 32 callers", f"{result.rate_ratio(32):.2f}", "aim >= 0.4"),
        ("cold start of serve, ms", f"{median(result.cold_s) * 1000:.0f}", "aim <= 3000"),
        ("idle memory of gateway and executor, MB", f"{memory['gateway'] + memory['executor']:.0f}", "aim <= 300"),
        ("workers, MB each", ", ".join(f"{mb:.0f}" for mb in memory["workers"]), ""),
    ]
    return f"{columns(rows)}\n{columns(timed)}\n{columns(facts)}"


def _present(result: Result) -> list[str]:
    return [name for name in _NAMES if (name, 1) in result.slices]


def _variant(result: Result, name: str) -> dict[str, Any]:
    return {str(callers): _figures(result, name, callers) for callers in (1, 32)}


def _figures(result: Result, name: str, callers: int) -> dict[str, Any]:
    of = result.middle(name, callers)
    cpu = result.cpu_us.get((name, callers))
    return {
        "p50_us": round(of.p50_us, 1),
        "p99_us": round(of.p99_us, 1),
        "rate": round(of.rate, 1),
        "calls": of.calls,
        **({} if cpu is None else {"cpu_us": round(median(cpu), 1)}),
    }


def _row(result: Result, name: str, callers: int) -> tuple[str, ...]:
    of = _figures(result, name, callers)
    cpu = f"{of['cpu_us']:.0f}" if "cpu_us" in of else ""
    return _NAMES[name], str(callers), f"{of['p50_us']:.0f}", f"{of['p99_us']:.0f}", f"{of['rate']:.0f}", cpu


def _memory(result: Result) -> dict[str, Any]:
    memory = result.memory
    assert memory is not None
    return {
        "gateway": round(memory.gateway, 1),
        "executor": round(memory.executor, 1),
        "workers": [round(mb, 1) for mb in memory.workers],
        "gateway_and_executor": round(memory.gateway + memory.executor, 1),
    }
