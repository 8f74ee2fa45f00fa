"""Measure a deployment that is already there: its servers, its store, its accounts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import psutil

from bench.arms import CONTROL, CONTROL_AGAIN, Arm, Credential
from bench.batches import count_all_lookups, measure_rounds
from bench.call import call
from bench.callers import Caller, log_in_to_auth, log_in_to_sessions
from bench.cpu import family_of
from bench.generator.corpus import Corpus, prepare_request
from bench.proofs import NotRight, prove_known, url_of
from bench.run import Run
from bench.slices import Bench
from bench.stage import Staged
from bench.store import StoreAccount
from bench.summing import Observed

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_OK = 200


@dataclass(frozen=True, slots=True)
class Deployment:
    """What to measure: addresses over plain HTTP, and accounts that may log in."""

    auth_url: str | None
    resource_urls: tuple[str, ...]
    session_urls: tuple[str, ...]
    redis_urls: tuple[str, ...]
    passwords: Mapping[str, str]
    callers: int


def measure_deployment(run: Run, deployment: Deployment) -> None:
    """Log callers in, prove the servers right, and measure them as any batch; nothing is started or stopped there."""
    run.progress.begin("logging in")
    directory = run.directory()
    directory.mkdir(parents=True)
    staged = _stage(deployment, directory)
    run.arms = [one.arm for one in staged]
    run.recorder.observed |= {one.arm.name: Observed(one.arm) for one in staged}
    for one in staged:
        prove_known(one)
    by_name = {one.arm.name: one for one in staged}
    with run.generators() as generators, StoreAccount(*deployment.redis_urls) as stores:
        bench = Bench(generators, stores)
        measure_rounds(run, bench, by_name, batch=0)
        count_all_lookups(run, bench, by_name, deployment.auth_url, stores)
        run.recorder.facts |= stores.facts()


def _stage(deployment: Deployment, directory: Path) -> list[Staged]:
    names = [*islice(cycle(deployment.passwords), deployment.callers)]
    found = [*_token_arms(deployment, names, directory), *_session_arms(deployment, names, directory)]
    if not found:
        raise NotRight("there is nothing to measure: give --resource-url (with --auth-url) or --session-url")
    nobody = [Caller.nobody()] * len(names)
    controls = [
        _staged(replace(arm, start=_already_running), [url_of(found[0])], nobody, directory)
        for arm in (CONTROL, CONTROL_AGAIN)
    ]
    return [*controls, *found]


def _token_arms(deployment: Deployment, names: Sequence[str], directory: Path) -> list[Staged]:
    if not deployment.resource_urls:
        return []
    if deployment.auth_url is None:
        raise NotRight("--resource-url needs --auth-url, where callers log in")
    callers = log_in_to_auth(deployment.auth_url, names, passwords=deployment.passwords)
    groups = _by_strategy(deployment.resource_urls, dict.fromkeys(deployment.resource_urls, callers[0]))
    return [
        _staged(_arm(strategy, "HS256"), urls, callers, directory, auth_url=deployment.auth_url)
        for strategy, urls in groups.items()
    ]


def _session_arms(deployment: Deployment, names: Sequence[str], directory: Path) -> list[Staged]:
    first = {
        url: log_in_to_sessions(url, names[:1], passwords=deployment.passwords)[0] for url in deployment.session_urls
    }
    return [
        _staged(
            _arm(strategy, "session"),
            # Each memory session is known to one server only.
            urls[:1] if strategy == "memory-session" else urls,
            log_in_to_sessions(urls[0], names, passwords=deployment.passwords),
            directory,
        )
        for strategy, urls in _by_strategy(deployment.session_urls, first).items()
    ]


def _by_strategy(urls: Sequence[str], callers: Mapping[str, Caller]) -> dict[str, list[str]]:
    """Ask each server which strategy it has; those of one strategy are one arm."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for url in urls:
        reply = call(url, "/me", headers=callers[url].headers)
        strategy = reply.json().get("strategy")
        if reply.status != _OK or not isinstance(strategy, str):
            raise NotRight(f"{url}/me answered {reply.status} and names no strategy")
        groups[strategy].append(url)
    return groups


def _arm(strategy: str, credential: Credential) -> Arm:
    asks = strategy == "introspected-token"
    return Arm(strategy, _already_running, credential=credential, strategy=strategy, asks_the_auth_server=asks)


def _already_running(*_arguments: object) -> NoReturn:
    raise NotRight("this server belongs to a deployment: it is not ours to start")


def _staged(
    arm: Arm, urls: Sequence[str], callers: Sequence[Caller], directory: Path, *, auth_url: str | None = None
) -> Staged:
    parts = [urlsplit(url) for url in urls]
    if any(part.scheme != "http" for part in parts):
        raise NotRight(f"{', '.join(urls)}: the generator speaks plain HTTP; measure behind what ends TLS")
    requests = [prepare_request(parts[0].netloc, arm.path, dict(one.headers), one.subject) for one in callers]
    corpus = directory / f"corpus-{arm.name}.json"
    Corpus(tuple(requests)).write(corpus)
    return Staged(
        arm=arm,
        addresses=tuple((part.hostname or "", part.port or 80) for part in parts),
        corpus=corpus,
        callers=tuple(callers),
        server_pids=tuple(pid for url in urls for pid in pids_behind(url)),
        auth_pids=pids_behind(auth_url) if arm.asks_the_auth_server and auth_url else (),
    )


def pids_behind(url: str) -> tuple[int, ...]:
    """Return the processes of the server at a URL, if it is one of Python's on this machine and we may see it."""
    parts = urlsplit(url)
    if parts.hostname not in _LOOPBACK:
        return ()
    try:
        listening = {
            found.pid
            for found in psutil.net_connections("tcp")
            if found.status == psutil.CONN_LISTEN and found.pid and found.laddr[1:2] == (parts.port,)
        }
        # In a container's stead a forwarder listens here, whose CPU time says nothing.
        ours = [pid for pid in listening if "python" in psutil.Process(pid).name().lower()]
        return tuple({member for pid in ours for member in family_of(pid)})
    except psutil.Error:
        return ()
