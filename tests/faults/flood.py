"""Many requests on one connection, some in each packet, as fast as they are answered; slower when told to come back."""

import time
from collections import Counter
from collections.abc import Iterable
from itertools import islice

from tests.attacks.wire import Wire

_TOGETHER = 16
_COME_BACK_S = 0.1


def flood(port: int, requests: Iterable[bytes]) -> Counter[int]:
    """Send requests, a few at a time; return how often each status came back."""
    left = iter(requests)
    statuses: Counter[int] = Counter()
    with Wire(port) as wire:
        while together := list(islice(left, _TOGETHER)):
            wire.send(b"".join(together))
            answered = [wire.answer().status for _ in together]
            statuses.update(answered)
            if 503 in answered:
                time.sleep(_COME_BACK_S)  # the machine has other things to do: this fault is not about overload
    return statuses
