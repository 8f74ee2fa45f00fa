"""F-01: both Redis are killed and come back with their data."""

import time

import pytest

from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment
from tests.faults.house import LASTING, House, introspection_of
from tests.faults.lines import REFUSES, logins, logouts, reads, refreshes
from tests.faults.people import log_in_all

pytestmark = pytest.mark.faults


def test_whoever_needs_the_store_refuses_and_nobody_else_notices(house: House, row_of: RowOf) -> None:
    token_store, session_store = house.redis("redis-auth", *LASTING), house.redis("redis-sessions", *LASTING)
    auth = house.auth(token_store.url)
    feed = {"RESOURCE_REDIS_URL": token_store.url}
    plain, pushed = house.resource("plain-jwt"), house.resource("pushed-jwt", **feed)
    denylisted = house.resource("denylisted-jwt", **feed)
    introspected = house.resource("introspected-token", **introspection_of(auth))
    redis_session = house.session("redis-session", session_store.url, SESSION_ACCOUNTS_REDIS_URL=token_store.url)
    tracked = house.session("tracked-session", session_store.url, SESSION_ACCOUNTS_REDIS_URL=token_store.url)
    house.ready()
    tokens, cookies = log_in_all(auth, 30), log_in_all(redis_session, 30)
    lines = [
        reads("plain-jwt", plain, tokens, 30, stale_s=None),
        reads("denylisted-jwt", denylisted, tokens, 30, may_fail=REFUSES),
        reads("pushed-jwt", pushed, tokens, 30, may_fail=REFUSES, stale_s=5),
        reads("introspected-token", introspected, tokens, 20, may_fail=REFUSES),
        reads("redis-session", redis_session, cookies, 30, may_fail=REFUSES),
        reads("tracked-session", tracked, cookies, 30, may_fail=REFUSES, stale_s=2),
        refreshes("refresh", auth, tokens[40:], 10, may_fail=REFUSES),
        logouts("token logout", auth, tokens[:40], 4, may_fail=REFUSES),
        logouts("session logout", redis_session, cookies[:40], 4, may_fail=REFUSES),
        logins("token login", auth, "root", 4, may_fail=REFUSES),
        logins("session login", redis_session, "root", 4, may_fail=REFUSES),
    ]
    servers = [auth, plain, denylisted, pushed, introspected, redis_session, tracked]
    with row_of(
        "F-01", "Redis killed", injected="SIGKILL to both Redis; 4 s later they start again, with their data",
        promise="whoever needs the store answers 503, everybody else notices nothing; recovery within 1 s",
    ) as row:  # fmt: skip
        experiment = Experiment("both Redis killed", lines, servers)
        with experiment.running(), experiment.fault():
            token_store.kill()
            session_store.kill()
            time.sleep(4)
            token_store.restart()
            session_store.restart()
            token_store.wait_ready()
            session_store.wait_ready()
        row.runs.append(experiment.measured)
