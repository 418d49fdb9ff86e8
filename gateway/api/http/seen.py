"""Remember which signed messages were handled, as long as their time would still be accepted."""

from collections import OrderedDict

MAX_IDS = 65_536


class Seen:
    """Ids of handled messages inside the window; what is older is refused by its time."""

    def __init__(self, window_s: float) -> None:
        # A message may carry a time as far ahead of ours as behind it.
        self._keep_s = 2 * window_s
        self._ids: OrderedDict[str, float] = OrderedDict()

    def __contains__(self, message_id: str) -> bool:
        return message_id in self._ids

    def add(self, message_id: str, now_s: float) -> None:
        """Remember a message that was handled; one that failed may come again."""
        self._ids[message_id] = now_s
        while self._ids and (len(self._ids) > MAX_IDS or next(iter(self._ids.values())) < now_s - self._keep_s):
            self._ids.popitem(last=False)
