import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.cpu import CpuMeter, family_of, process_cpu_ns

BURN = "import time; end = time.process_time() + {s}; print('up', flush=True)\nwhile time.process_time() < end: pass\n"
REST = "input()"


@contextmanager
def running(code: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_account_of_this_process_agrees_with_its_own() -> None:
    before = process_cpu_ns(os.getpid())
    assert before == pytest.approx(time.process_time_ns(), abs=20_000_000)


def test_what_another_process_uses_is_seen_to_the_millisecond() -> None:
    with running(BURN.format(s=0.2) + REST) as process:
        assert process.stdout is not None
        process.stdout.readline()
        meter = CpuMeter([process.pid])
        deadline = time.monotonic() + 10
        while meter.used_ns() < 195_000_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        assert meter.used_ns() == pytest.approx(200_000_000, abs=6_000_000)


def test_a_process_that_rests_uses_nothing() -> None:
    with running("print('up', flush=True)\n" + REST) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05)
        meter = CpuMeter([process.pid])
        time.sleep(0.2)
        assert meter.used_ns() < 2_000_000


def test_the_work_of_threads_that_have_ended_counts() -> None:
    code = (
        "import threading, time\n"
        "def burn():\n    end = time.thread_time() + 0.1\n    while time.thread_time() < end: pass\n"
        "t = threading.Thread(target=burn); t.start(); t.join(); print('up', flush=True)\n" + REST
    )
    with running(code) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process_cpu_ns(process.pid) >= 100_000_000


def test_a_family_is_a_process_and_its_children() -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\ninput()"
    )
    with running(code) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert {process.pid, child} == {*family_of(process.pid)}


def test_a_process_that_is_gone_has_no_account() -> None:
    with running("pass") as process:
        process.communicate()
    with pytest.raises(ProcessLookupError):
        process_cpu_ns(process.pid)
