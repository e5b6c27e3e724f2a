"""Limits how often a view asks the worker: once, and again when the response would differ."""

import time

TIMEOUT = 2.0
"""Seconds after which a request without a response is repeated."""

MIN_INTERVAL = 0.9
"""Seconds between two repeated requests during training."""

MAX_COST_SHARE = 0.05
"""Fraction of the training time that repeated requests may take."""


class RequestThrottle:
    """Remembers the last request, when it was made, and the response before it."""

    def __init__(self) -> None:
        self._request: object = None
        self._snapshot: object = None
        self._response: object = None
        self._requested_at = -TIMEOUT

    def is_due(
        self, request: object, snapshot: object, response: object, *, is_training: bool,
        is_unfinished: bool = False, cost: float = 0.0,
    ) -> bool:  # fmt: skip
        """Returns whether to send a request now; a different one does not wait for the interval.

        Args:
            snapshot: everything else that the response depends on.
            response: the newest one.
            is_unfinished: whether more of the response is to come.
            cost: seconds that the response took.
        """
        now = time.monotonic()
        is_answered = response is not self._response
        if not is_answered and now - self._requested_at < TIMEOUT:
            return False
        if request == self._request:
            if is_answered and snapshot == self._snapshot and not is_unfinished:
                return False
            interval = max(MIN_INTERVAL, cost / MAX_COST_SHARE)
            if is_training and now - self._requested_at < interval:
                return False
        self._request, self._snapshot, self._response = request, snapshot, response
        self._requested_at = now
        return True
