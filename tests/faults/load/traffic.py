"""Open loop: each line's requests leave when they are due, and a record is kept of every one."""

import asyncio
import base64
import itertools
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from tests.faults.load.lane import Answer, Lanes, Lost
from tests.faults.load.plan import Line, Record, Shot

_SOONEST_S = 0.001


class Traffic:
    """Runs lines until told to stop."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._lanes = Lanes()
        self._under_way: set[asyncio.Task[None]] = set()
        self._runners: dict[str, Callable[[Line], Awaitable[None]]] = {
            "shots": self._run_shots, "refresh": self._run_families,
            "impatient": self._run_impatient, "insistent": self._run_insistent,
        }  # fmt: skip

    async def run(self, lines: list[Line], told_to_stop: asyncio.Event) -> None:
        """Send until told to stop, then wait for what is under way."""
        running = [asyncio.ensure_future(self._runners[line.kind](line)) for line in lines]
        await told_to_stop.wait()
        for task in running:
            task.cancel()
        outcomes = await asyncio.gather(*running, return_exceptions=True)
        if self._under_way:
            await asyncio.gather(*self._under_way)
        self._lanes.close()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _run_shots(self, line: Line) -> None:
        shots = iter(line.shots) if line.once else itertools.cycle(line.shots)
        ports = itertools.cycle(line.ports)
        async for asked_s in _moments(line.rate):
            shot = next(shots, None)
            if shot is None:
                return
            self._begin(self._fire(line, next(ports), shot, shot.raw.encode("latin-1"), asked_s))

    async def _run_families(self, line: Line) -> None:
        waiting = list(line.shots)
        ports = itertools.cycle(line.ports)

        async def rotate(shot: Shot, port: int, asked_s: float) -> None:
            answer = await self._fire(line, port, shot, refresh_request(shot.raw), asked_s)
            if answer is None or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                waiting.append(shot)  # it may or may not have been used: a retry must get the same successor
            elif answer.status == HTTPStatus.OK:
                token = json.loads(answer.body)["refresh_token"]
                waiting.append(Shot(token, shot.caller, shot.subject))

        async for asked_s in _moments(line.rate):
            if waiting:
                self._begin(rotate(waiting.pop(0), next(ports), asked_s))

    async def _run_impatient(self, line: Line) -> None:
        async def insist(shot: Shot, port: int) -> None:
            while True:
                await self._fire(line, port, shot, shot.raw.encode("latin-1"), monotonic())

        clients = zip(line.shots, itertools.cycle(line.ports), strict=False)
        await asyncio.gather(*(insist(shot, port) for shot, port in clients))

    async def _run_insistent(self, line: Line) -> None:
        busy: set[int] = set()

        async def insist(client: int, port: int, asked_s: float) -> None:
            raw = line.shots[client].raw.encode("latin-1")
            while True:
                answer = await self._fire(line, port, line.shots[client], raw, asked_s)
                if answer is not None and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    break
                asked_s = monotonic()
            busy.discard(client)

        clients, ports = itertools.cycle(range(len(line.shots))), itertools.cycle(line.ports)
        async for asked_s in _moments(line.rate):
            if (client := next(clients)) not in busy:
                busy.add(client)
                self._begin(insist(client, next(ports), asked_s))

    def _begin(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _fire(self, line: Line, port: int, shot: Shot, raw: bytes, asked_s: float) -> Answer | None:
        sent_s = monotonic()
        answer: Answer | None = None
        try:
            answer = await self._lanes.exchange(port, raw, line.timeout_s)
            outcome = str(answer.status)
        except Lost as lost:
            outcome = str(lost)
        retry_after = None if answer is None else answer.headers.get("retry-after")
        self.records.append(
            Record(
                line.name, shot.caller, asked_s, sent_s, monotonic(), outcome,
                right=answer is None or _names(answer, shot.subject),
                retry_after_s=None if retry_after is None else float(retry_after),
            )
        )  # fmt: skip
        return answer


async def _moments(rate: float) -> Any:
    """Yield the moments at which requests leave; one that is late leaves at once, and none is left out."""
    start_s = monotonic()
    for number in itertools.count():
        moment_s = start_s + number / rate
        if (wait_s := moment_s - monotonic()) > _SOONEST_S:
            await asyncio.sleep(wait_s)
        yield moment_s


def refresh_request(token: str) -> bytes:
    """Write the request that uses a refresh token."""
    form = urlencode({"grant_type": "refresh_token", "client_id": "authlab-web", "refresh_token": token})
    head = "POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    return f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode()


def _names(answer: Answer, subject: str | None) -> bool:
    """Tell whether a success is about the subject; of any other answer nothing is asked."""
    if subject is None or answer.status != HTTPStatus.OK:
        return True
    body = json.loads(answer.body)
    token = body.get("access_token")
    if token is not None and "." in token:
        body = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return bool(body.get("sub") == subject)
