"""The AWS account of the shop: moto's server in a process of its own, and a client that looks at it independently."""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx2
from botocore.config import Config

from gateway.cli.demo.case import Case
from gateway.cli.demo.process import Child

REGION, ACCOUNT = "eu-west-1", "123456789012"
ACCESS_KEY, SECRET_KEY = "AKIACOUNTERMANDDEMO0", "a-demo-secret-that-opens-nothing"  # moto checks neither
DATABASE = "orders"
"""The identifier of the RDS instance that stands for the database."""
_READY_S = 30.0
_CONFIG = Config(retries={"total_max_attempts": 2, "mode": "standard"}, connect_timeout=3, read_timeout=10)


@dataclass(frozen=True, slots=True)
class Account:
    """The account, and the usage plan of each service."""

    url: str
    plans: dict[str, str]
    """Service → id of its usage plan."""

    def throttle(self, service: str) -> dict[str, float]:
        """Return the throttle of a service's usage plan as the API shows it now."""
        with client(self.url, "apigateway") as api:
            return dict(api.get_usage_plan(usagePlanId=self.plans[service])["throttle"])

    def database_exists(self) -> bool:
        """Tell whether the database instance is there."""
        with client(self.url, "rds") as rds:
            found = rds.describe_db_instances()["DBInstances"]
        return any(i["DBInstanceIdentifier"] == DATABASE for i in found)


def start(folder: Path) -> tuple[Child, str]:
    """Start the server; returns the URL at which it will answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [sys.executable, "-m", "gateway.cli.demo.aws", str(port)]
    return Child.start("aws", argv, folder / "aws.log"), f"http://127.0.0.1:{port}"


def ready(child: Child, url: str) -> None:
    """Return once the server answers."""

    def answers() -> bool:
        try:
            return httpx2.get(f"{url}/moto-api/", timeout=5, trust_env=False).status_code == httpx2.codes.OK
        except httpx2.HTTPError:
            return False

    child.wait_until(answers, _READY_S)


def furnish(case: Case, url: str) -> Account:
    """Create the shop's API, a usage plan with one key per service, and the database instance."""
    with client(url, "apigateway") as api:
        api.create_rest_api(name="shop")
        plans = {s.name: _plan(api, s.name, s.plan_limit) for s in case.services}
    with client(url, "rds") as rds:
        rds.create_db_instance(
            DBInstanceIdentifier=DATABASE, DBInstanceClass="db.r6g.large", Engine="postgres", AllocatedStorage=100,
            MasterUsername="postgres", MasterUserPassword="not-used-here",  # no such database is reached
        )  # fmt: skip
    return Account(url, plans)


def _plan(api: Any, name: str, limit: float) -> str:
    plan = api.create_usage_plan(name=name, throttle={"rateLimit": limit, "burstLimit": int(limit * 2)})
    key = api.create_api_key(name=name, enabled=True)
    api.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    return str(plan["id"])


@contextmanager
def client(url: str, service: str) -> Iterator[Any]:
    """Open a client that can only reach this URL."""
    opened = boto3.session.Session().client(  # type: ignore[call-overload]  # the name is a variable
        service, endpoint_url=url, region_name=REGION,
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, config=_CONFIG,
    )  # fmt: skip
    try:
        yield opened
    finally:
        opened.close()


def main(argv: list[str]) -> int:
    """Serve for ever at the port `argv[0]`."""
    from moto.server import ThreadedMotoServer  # the import costs a second and only this process needs it

    ThreadedMotoServer(ip_address="127.0.0.1", port=int(argv[0]), verbose=False).start()
    while True:
        time.sleep(3_600)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
