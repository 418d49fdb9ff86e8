"""What an agent installs, and what it sees."""

import inspect
import subprocess
import sys

import pytest
from google.protobuf.descriptor import ServiceDescriptor

import agent_client
from agent_client import aio, client
from agent_client.calls import actions, approvals, audit, control, incidents
from tests.api.raw import FILES

# What agent_client may pull in beyond grpcio and cryptography, and what those pull in by themselves.
ALLOWED = {"agent_client", "countermand", "cryptography", "google"}
BUILDERS = {
    name: value
    for module in (actions, approvals, audit, control, incidents)
    for name, value in vars(module).items()
    if inspect.isfunction(value) and not name.startswith("_") and value.__module__ == module.__name__
}


def test_the_public_names_are_exactly_those_that_are_exported() -> None:
    public = {
        name for name, value in vars(agent_client).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert set(agent_client.__all__) == public
    assert len(agent_client.__all__) == len(public)


def test_the_client_needs_nothing_but_its_base_install_and_nothing_of_the_gateway() -> None:
    code = (
        "import sys, grpc, grpc.aio, cryptography.hazmat.primitives.asymmetric.ec;"
        "before = set(sys.modules); import agent_client, agent_client.aio;"
        "print(*{m.partition('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(result.stdout.split()) <= ALLOWED


def test_every_rpc_of_agents_and_people_has_its_call() -> None:
    services: list[ServiceDescriptor] = [s for f in FILES for s in f.DESCRIPTOR.services_by_name.values()]
    offered = {f"/{s.full_name}/{m.name}" for s in services if s.name != "ExecutorService" for m in s.methods}
    source = "".join(inspect.getsource(m) for m in (actions, approvals, audit, control, incidents))
    missing = {path for path in offered if f'"{path.rpartition("/")[2]}"' not in source}
    assert missing == set()


@pytest.mark.parametrize("role", ["AgentClient", "ApproverClient"])
def test_both_clients_have_the_same_methods_with_the_same_parameters(role: str) -> None:
    def shape(cls: type) -> dict[str, str]:
        methods = inspect.getmembers(cls, inspect.isfunction)
        return {
            name: str(inspect.signature(method).replace(return_annotation=inspect.Signature.empty))
            for name, method in methods
            if not name.startswith("_") and name not in {"run", "iterate"}
        }

    assert shape(getattr(client, role)) == shape(getattr(aio, role))


def test_every_call_is_a_method_of_some_client() -> None:
    methods = {*vars(client.AgentClient), *vars(client.ApproverClient), *vars(client.AgentClient.__mro__[1])}
    assert set(BUILDERS) <= methods


def test_a_method_shows_the_parameters_and_the_words_of_its_call() -> None:
    assert str(inspect.signature(client.AgentClient.get)) == "(self, /, action: str)"
    assert client.AgentClient.propose.__doc__ == actions.propose.__doc__
    assert client.AgentClient.propose.__name__ == "propose"
