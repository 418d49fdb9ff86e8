"""The world of the demo, put together: started in parallel, stopped as a whole, whatever happens in between."""

import contextlib
import secrets
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from gateway.cli.demo import aws, database, postgres, repository, site, workload
from gateway.cli.demo.aws import Account
from gateway.cli.demo.case import Case
from gateway.cli.demo.oncall import Pager
from gateway.cli.demo.options import Redirect
from gateway.cli.demo.place import ON_CALL, Site
from gateway.cli.demo.process import Child


class World:
    """Everything that runs besides the gateway and the agent."""

    def __init__(
        self,
        case: Case,
        folder: Path,
        shop: database.Database,
        repo: repository.Repository,
        account: Future[Account],
        pager: Pager,
        files: Site,
        children: tuple[Child, ...],
    ) -> None:
        self.case = case
        self.folder = folder
        self.database = shop
        self.repository = repo
        self.pager = pager
        self.site = files
        self.children = children
        """What has to run as long as the world does."""
        self._account = account

    @property
    def account(self) -> Account:
        """Return the AWS account, once it is furnished."""
        return self._account.result(timeout=60)

    def start_traffic(self) -> Child:
        """Let the services work."""
        account, case = self.account, self.case
        gates = tuple(
            workload.Traffic(s.name, self.database.dsn(s.role), s.table, s.demand, account.plans[s.name], case.regions)
            for s in case.services
        )
        file = self.folder / "traffic.json"
        workload.Plan(account.url, self.database.dsn(database.PROBE), aws.DATABASE, gates).write(file)
        argv = [sys.executable, "-m", "gateway.cli.demo.workload", str(file)]
        return Child.start("workload", argv, self.folder / "workload.log")

    def deploy(self) -> None:
        """Deploy the newest commit, as the shop's pipeline does."""
        self.database.deploy((self.repository.path / self.case.file).read_text(encoding="utf-8"))

    def mend(self) -> str:
        """Take the guilty commit back and deploy that, as the person on call does; returns the new commit."""
        commit = repository.revert(self.repository, ON_CALL)
        self.deploy()
        return commit


@contextlib.contextmanager
def open_world(case: Case, folder: Path, redirect: Redirect | None = None) -> Iterator[World]:
    """Start everything but the services, and stop it all at the end."""
    with contextlib.ExitStack() as stack:
        api, url = aws.start(folder)
        stack.callback(api.stop)
        helper = stack.enter_context(ThreadPoolExecutor(1))
        account = helper.submit(_account, case, api, url)
        secret = secrets.token_bytes(32)
        pager = Pager(secret)
        stack.callback(pager.close)
        server = postgres.start(folder)
        stack.callback(server.child.stop)
        shop = database.create(case, server)
        repo = repository.write(case, folder / "shop-db")
        parts = site.Parts(case, shop, redirect(url) if redirect else url, repo.path, pager.url, secret)
        files = site.write(folder / "private", parts)
        yield World(case, folder, shop, repo, account, pager, files, (api, server.child))


def _account(case: Case, api: Child, url: str) -> Account:
    aws.ready(api, url)
    return aws.furnish(case, url)
