"""A store for tests of what stands on it: the real one, in memory, that says when it is still being waited for."""

from collections.abc import Callable
from typing import Self, TypeVar

from gateway.adapters.store_sqlite import SqliteStore
from gateway.ports import Store, Tx

T = TypeVar("T")


class WatchedStore:
    """Passes everything on to another store and counts the calls under way, for `VirtualClock(busy=store.busy)`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way = 0

    @classmethod
    def in_memory(cls) -> Self:
        return cls(SqliteStore.in_memory())

    def busy(self) -> bool:
        return self._under_way > 0

    async def write(self, unit: Callable[[Tx], T]) -> T:
        self._under_way += 1
        try:
            return await self._store.write(unit)
        finally:
            self._under_way -= 1

    async def read(self, unit: Callable[[Tx], T]) -> T:
        self._under_way += 1
        try:
            return await self._store.read(unit)
        finally:
            self._under_way -= 1

    async def scan(self, unit: Callable[[Tx], T]) -> T:
        self._under_way += 1
        try:
            return await self._store.scan(unit)
        finally:
            self._under_way -= 1

    async def close(self) -> None:
        await self._store.close()
