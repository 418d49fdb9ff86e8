"""Steps as the parsers make them, and what their targets need around them."""

from collections.abc import Mapping, Sequence

from gateway.core.canonical import Json
from gateway.core.step import Step, Target
from tests.fixtures_aws import REGION


def sql(text: str, scope: str = "db", operation: str = "sql.select") -> Step:
    return Step(
        "postgres", operation, {"statement": "SELECT"}, Target(scope, "database", f"pg:{scope}/-"), {"sql": text}
    )


def sessions(sessions: Sequence[Mapping[str, Json]], verb: str = "terminate", scope: str = "db") -> Step:
    pids = tuple(str(s["pid"]) for s in sessions)
    target = Target(scope, "session", f"pg:{scope}/session/{','.join(pids)}", "listed" if pids[1:] else "one", pids)
    return Step("postgres", f"sessions.{verb}", {"statement": "SELECT"}, target, {"sessions": list(sessions)})


def role_limit(role: str, limit: int, scope: str = "db") -> Step:
    target = Target(scope, "role", f"pg:{scope}/role/{role}", names=(role,))
    return Step(
        "postgres", "roles.connection_limit", {"statement": "ALTER ROLE"}, target, {"role": role, "limit": limit}
    )


def aws_call(operation: str, params: Mapping[str, Json], scope: str = "prod") -> Step:
    service, _, name = operation.partition(".")
    target = Target(scope, service, f"aws:{scope}/{REGION}/{service}", region=REGION)
    return Step("aws", operation, {"service": service, "operation": name}, target, params)


def throttle(plan: str, **limits: str) -> Step:
    patches = [{"op": "replace", "path": f"/throttle/{name}", "value": value} for name, value in limits.items()]
    return aws_call("apigateway.UpdateUsagePlan", {"usagePlanId": plan, "patchOperations": patches})


def git(*argv: str, scope: str = "repo") -> Step:
    target = Target(scope, "repository", f"git:{scope}/-")
    return Step("git", f"git.{argv[0]}", {"argv": list(argv)}, target, {})


def process(*argv: str, scope: str = "host") -> Step:
    target = Target(scope, "process", f"process:{scope}/{argv[0]}", names=(argv[0],))
    return Step("process", argv[0], {"argv": list(argv)}, target, {})


async def unheard(data: bytes) -> None:
    """Take live output and drop it."""


class Heard:
    """Take live output and keep it."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    async def __call__(self, data: bytes) -> None:
        self.chunks.append(data)
