"""`authlab tour`: walk through the lessons with the running servers."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from lab.clients import Refused
from lab.commands.failures import NOT_RUNNING
from lab.commands.where import auth_url_option, find_places, server_url_options
from lab.output import console, print_json, print_table
from lab.places import NotRunning
from lab.tour.guide import Guide
from lab.tour.lag import Lag
from lab.tour.lesson import Lesson
from lab.tour.lessons import LESSONS
from lab.tour.narrator import Narrator
from lab.wire import NoAnswer

_TITLES = "\n".join(f"  {lesson.number:>2}  {lesson.title}" for lesson in LESSONS)


@click.command(
    short_help="Walk both flows step by step, with the real messages.",
    context_settings={"auto_envvar_prefix": "AUTHLAB_TOUR"},
    help=f"""Walk through the lessons with the running servers. Every message shown is the one that went over the
socket, with credentials shortened; every outcome is announced and then compared.

\b
Lessons:
{_TITLES}

Elsewhere than here (in a container, say) each option is also an environment variable, several URLs with spaces
between: AUTHLAB_TOUR_AUTH_URL, AUTHLAB_TOUR_RESOURCE_URL, AUTHLAB_TOUR_REDIS_AUTH_URL and so on.

\b
Exit codes:
  0  everything came as announced
  1  something did not
  2  the command line is wrong
  3  no lab is running here""",
)
@click.option("--lesson", "number", type=int, metavar="N", help="Only this lesson.")
@click.option("--json", "as_json", is_flag=True, help="Print steps and measured lags as JSON, and nothing else.")
@auth_url_option
@server_url_options()
@click.option("--redis-auth-url", metavar="URL", help="redis-auth, to count its commands.")
@click.option("--redis-sessions-url", metavar="URL", help="redis-sessions, to count its commands.")
@click.option(
    "--fault-proxy",
    "fault_proxies",
    metavar="TARGET=HOST:PORT",
    multiple=True,
    envvar="AUTHLAB_TOUR_FAULT_PROXIES",
    help="Control address of the fault proxy before redis-auth, redis-sessions or auth; may be repeated.",
)
@click.option(
    "--shared-secret-file",
    type=click.Path(path_type=Path),
    help="Where resource servers keep the key that lesson 11 leaks.",
)
@click.option(
    "--lab-secret-file", type=click.Path(path_type=Path), help="What lets the tour ask which check refused a token."
)
def command(*, number: int | None, as_json: bool, **where: Any) -> None:
    """Walk through the lessons (the help text is above)."""
    lessons = _chosen(number)
    out = console(to_stderr=as_json)
    try:
        places = find_places(**where)
    except NotRunning as error:
        console(to_stderr=True).print(f"authlab tour: {error}")
        sys.exit(NOT_RUNNING)
    tell = Narrator(None if as_json else out)
    with Guide(places, tell) as guide:
        for lesson in lessons:
            _teach(lesson, guide)
        result = _result(guide)
    if as_json:
        print_json(result)
    else:
        _print_summary(guide, out)
    sys.exit(0 if result["ok"] else 1)


def _chosen(number: int | None) -> list[Lesson]:
    chosen = [lesson for lesson in LESSONS if number in {None, lesson.number}]
    if not chosen:
        raise click.UsageError(
            f"there is no lesson {number}; there are {', '.join(str(one.number) for one in LESSONS)}"
        )
    return chosen


def _teach(lesson: Lesson, guide: Guide) -> None:
    guide.tell.begin(lesson.number, lesson.title, lesson.question)
    for strategy, count in Counter(lesson.needs).items():
        if len(guide.places.at(strategy)) < count:
            guide.tell.skip(lesson.title, f"it needs {count} running {strategy} server{'s'[: count - 1]}")
            return
    for target in lesson.breaks:
        if target not in guide.places.fault_proxies:
            guide.tell.skip(lesson.title, f"no fault proxy stands before {target} here, so nothing can be broken")
            return
    try:
        lesson.run(guide)
    except (NoAnswer, Refused, NotRunning, OSError) as error:
        guide.tell.expect(f"lesson {lesson.number} could be walked to its end", "yes", str(error))


def _result(guide: Guide) -> dict[str, Any]:
    return {
        "ok": bool(guide.tell.steps) and all(step.ok for step in guide.tell.steps),
        "steps": [step.as_data() for step in guide.tell.steps],
        "skipped": guide.tell.skipped,
        "strategies": {strategy: lag.as_data() for strategy, lag in guide.lags.items()},
    }


def _print_summary(guide: Guide, out: Console) -> None:
    if guide.lags:
        out.print("\n[bold]Who still accepts a credential after its logout[/]")
        rows = [(strategy, _measured(lag), _promised(lag)) for strategy, lag in guide.lags.items()]
        print_table(out, ("strategy", "last 200 after the logout", "refused, as promised"), rows)
    wrong = [step for step in guide.tell.steps if not step.ok]
    total = len(guide.tell.steps)
    if guide.tell.skipped:
        left_out = ", ".join(one["name"] for one in guide.tell.skipped)
        out.print(f"\n[yellow]Not shown here:[/] {escape(left_out)} (authlab up --all starts everything)")
    if wrong:
        out.print(f"\n[bold red]{len(wrong)} of {total} outcomes differ from what was announced:[/]")
        for step in wrong:
            out.print(f"  lesson {step.lesson}: {escape(step.name)}")
    else:
        out.print(f"\n[bold green]All {total} outcomes came as announced.[/]")


def _measured(lag: Lag) -> str:
    if lag.lag_ms is None:
        return "still accepted"
    return f"{lag.lag_ms:g} ms" if lag.lag_ms else "none"


def _promised(lag: Lag) -> str:
    if lag.still_accepted:
        return f"when it expires, in {lag.bound_s:g} s"
    return f"within {lag.bound_s:g} s" if lag.bound_s else "with the next request"
