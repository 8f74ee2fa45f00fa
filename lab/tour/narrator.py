"""Tell the tour: what is tried, every message on the wire, and whether what was announced came true."""

from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from lab.transcript import answer_text, request_text
from lab.wire import Exchange

_INDENT = "    "
_SAME_EACH_TIME = (
    "Cache-Control:",
    "X-Content-Type-Options:",
    "Referrer-Policy:",
    "Content-Security-Policy:",
    "Server:",
    "User-Agent:",
    "Connection:",
)
"""Printed in full once, then only named."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was announced, and what came."""

    lesson: int
    name: str
    expected: Any
    got: Any

    @property
    def ok(self) -> bool:
        """Whether it came as announced."""
        return bool(self.expected == self.got)

    def as_data(self) -> dict[str, Any]:
        """Describe it for programs."""
        return {"lesson": self.lesson, "name": self.name, "expected": self.expected, "got": self.got, "ok": self.ok}


class Narrator:
    """Collect the steps, and print them for people unless told to be silent."""

    def __init__(self, out: Console | None) -> None:
        self._out = out
        self._lesson = 0
        self._headers_shown: set[str] = set()
        self.steps: list[Step] = []
        self.skipped: list[dict[str, Any]] = []

    def begin(self, number: int, title: str, question: str) -> None:
        """Open a lesson."""
        self._lesson = number
        self._print(f"\n[bold reverse] {number} [/] [bold]{escape(title)}[/]")
        self._print(f"   [italic]{escape(question)}[/]")

    def say(self, text: str) -> None:
        """Say one sentence or two."""
        self._print(f"\n   {escape(text)}")

    def show(self, exchange: Exchange) -> None:
        """Print one captured request and its answer, credentials shortened."""
        self._message("[cyan]→[/]", request_text(exchange))
        self._message("[magenta]←[/]", answer_text(exchange))

    def detail(self, text: str) -> None:
        """Print something that was found, line by line."""
        for line in text.splitlines():
            self._print(f"{_INDENT}{escape(line)}")

    def expect(self, name: str, expected: Any, got: Any) -> bool:
        """Record whether something came as announced."""
        step = Step(self._lesson, name, expected, got)
        self.steps.append(step)
        if step.ok:
            self._print(f"   [bold green]✓[/] {escape(name)}: {escape(str(got))}")
        else:
            self._print(f"   [bold red]✗ {escape(name)}: expected {escape(str(expected))}, got {escape(str(got))}[/]")
        return step.ok

    def check(self, name: str, *, holds: bool) -> bool:
        """Record whether something announced is true."""
        return self.expect(name, expected=True, got=holds)

    def skip(self, name: str, why: str) -> None:
        """Say that something cannot be shown here, and why."""
        self.skipped.append({"lesson": self._lesson, "name": name, "why": why})
        self._print(f"   [yellow]-[/] {escape(name)}: not shown, {escape(why)}")

    def point(self, text: str) -> None:
        """Close a lesson with what it shows."""
        self._print(f"\n   [bold]The point:[/] {escape(text)}")

    def _message(self, arrow: str, text: str) -> None:
        first, *rest = text.split("\n")
        self._print(f"\n   {arrow} [bold]{escape(first)}[/]")
        again = [line for line in rest if line in self._headers_shown]
        for line in rest:
            if line not in again:
                self._print(f"     [dim]{escape(line)}[/]")
        if again:
            self._print(f"     [dim](and, as before: {', '.join(line.partition(':')[0] for line in again)})[/]")
        self._headers_shown.update(line for line in rest if line.startswith(_SAME_EACH_TIME))

    def _print(self, text: str) -> None:
        if self._out is not None:
            self._out.print(text)
