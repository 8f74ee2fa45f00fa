from collections import Counter
from itertools import islice
from pathlib import Path

from bench.generator.corpus import Corpus, prepare_request, zipf_order


def corpus_of(callers: int) -> Corpus:
    return Corpus(
        tuple(
            prepare_request("h:1", "/me", {"Authorization": f"Bearer {number}"}, f"user-{number}")
            for number in range(callers)
        )
    )


def test_a_request_is_the_request_line_host_and_the_given_headers() -> None:
    request = prepare_request("h:1", "/me", {"Cookie": "session=x"}, "user-1")
    assert b"GET /me HTTP/1.1\r\nHost: h:1\r\nCookie: session=x\r\n\r\n" == request.raw


def test_what_was_written_reads_back(tmp_path: Path) -> None:
    corpus_of(3).write(tmp_path / "corpus.json")
    assert corpus_of(3) == Corpus.read(tmp_path / "corpus.json")


def test_credentials_on_disk_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    corpus_of(1).write(tmp_path / "corpus.json")
    assert 0o600 == (tmp_path / "corpus.json").stat().st_mode & 0o777


def test_the_same_seed_gives_the_same_requests() -> None:
    first, again, other = (list(islice(corpus_of(50).endless(seed), 100)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_the_most_active_caller_comes_twice_as_often_as_the_second() -> None:
    counts = [count for _, count in Counter(zipf_order(1000, seed=7)).most_common()]
    assert 1.8 < counts[0] / counts[1] < 2.2
    assert 8 < counts[0] / counts[9] < 12


def test_every_caller_comes() -> None:
    assert set(range(1000)) == set(zipf_order(1000, seed=7))
