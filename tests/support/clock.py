"""A clock that a test moves, where time would otherwise have to be slept."""


class Clock:
    """Tells a time in seconds; the same one until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def move(self, seconds: float) -> None:
        """Go forward, or back."""
        self.now += seconds
