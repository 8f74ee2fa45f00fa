"""The life of a key: born, published, signing, verifying, gone; with a clock that the test moves."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auth_server.key_records import read_records
from auth_server.key_store import FILE_DELAY_S, SKEW_S, KeyStore, audience_file
from auth_server.settings import AuthSettings
from core.access_token import TokenVerifier
from core.errors import Conflict, NotFound, Rejected
from core.keys import KeyRing, public_ring, secret_ring, secret_thumbprint
from core.settings import SettingsError, load
from core.strict_json import base64url_text
from tests.attacks.forge import claims, parts
from tests.support.clock import Clock
from tests.support.environments import AUDIENCE, ISSUER, MASTER, OTHER_AUDIENCE, auth_environment, shared_secret

TTL_S, MAX_AGE_S = 300, 60
PUBLIC_KINDS = ("Ed25519", "ES256")
KINDS = ("HS256", *PUBLIC_KINDS)
"""RS256 is published as these are, and a key of 3072 bits takes seconds to find."""
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

OpenStore = Callable[..., KeyStore]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(AuthSettings, "clock", lambda _: clock)
    return clock


@pytest.fixture
def open_store(clock: Clock, tmp_path: Path) -> OpenStore:
    """Open a key store on one directory, as each auth server that shares it would."""
    _ = clock

    def opened(kind: str = "HS256", **more: str) -> KeyStore:
        settings = {
            "AUTH_ALGORITHM": kind,
            "AUTH_KEYS_DIR": str(tmp_path / "keys"),
            "AUTH_JWKS_MAX_AGE_S": str(MAX_AGE_S),
            "AUTH_ACCESS_TTL_S": str(TTL_S),
        }
        store = KeyStore(load(AuthSettings, auth_environment(**{**settings, **more})))
        store.load()
        return store

    return opened


def sign(store: KeyStore, clock: Clock, audience: str = AUDIENCE) -> str:
    signing = store.signing(audience)
    assert signing is not None
    return signing.sign(claims(ISSUER, aud=audience, iat=clock.now, exp=clock.now + TTL_S))


def accepts(ring: KeyRing, token: str, clock: Clock, audience: str = AUDIENCE) -> bool:
    """Tell whether a resource server with these keys takes a token."""
    on = TokenVerifier(issuer=ISSUER, audiences=frozenset({audience}), ring=lambda: ring, clock=clock)
    try:
        on.verify(token)
    except Rejected:
        return False
    return True


def published(store: KeyStore) -> KeyRing:
    """Return what a resource server makes of the published set."""
    return public_ring(json.dumps(store.jwks()).encode())


def kid_of(token: str) -> str:
    kid: str = parts(token)[0]["kid"]
    return kid


def states(store: KeyStore) -> list[str]:
    return [key["state"] for key in store.describe()]


@pytest.mark.parametrize("kind", [*KINDS, "RS256"])
def test_an_empty_directory_gets_its_first_key_and_it_signs_at_once(
    open_store: OpenStore, clock: Clock, kind: str
) -> None:
    store = open_store(kind)
    token = sign(store, clock)
    assert (kind, "at+jwt") == (parts(token)[0]["alg"], parts(token)[0]["typ"])
    assert accepts(store.ring(AUDIENCE), token, clock)
    assert ["signing"] == states(store)
    assert {"kid", "algorithm", "state", "created_at", "signs_from", "retires_at"} == set(store.describe()[0])


@pytest.mark.parametrize("kind", PUBLIC_KINDS)
def test_what_is_published_verifies_and_holds_nothing_private(open_store: OpenStore, clock: Clock, kind: str) -> None:
    store = open_store(kind)
    token = sign(store, clock)
    assert accepts(published(store), token, clock)
    for step in range(4):
        for key in store.jwks()["keys"]:
            assert PRIVATE_MEMBERS.isdisjoint(key)
            assert (kind, "sig") == (key["alg"], key["use"])
        clock.move(step * MAX_AGE_S)
        store.rotate()


def test_a_shared_secret_is_never_published(open_store: OpenStore) -> None:
    store = open_store()
    store.rotate()
    assert {"keys": []} == store.jwks()


def test_rsa_keys_have_3072_bits(open_store: OpenStore) -> None:
    store = open_store("RS256")
    (key,) = published(store)
    assert 3072 == key.prepared.key_size
    assert {"kty", "n", "e", "alg", "use", "kid"} == set(store.jwks()["keys"][0])


@pytest.mark.parametrize("kind", KINDS)
def test_through_a_rotation_every_valid_token_is_accepted_by_whoever_looked_in_time(
    open_store: OpenStore, clock: Clock, kind: str
) -> None:
    """KEY-03. A verifier's keys are as old as its set's max-age, or the time in which it re-reads its file."""
    store = open_store(kind)
    loaded_every_s = 1.0 if kind == "HS256" else MAX_AGE_S
    ring_at = [(clock.now, ring_of(store, kind))]
    tokens: list[tuple[float, str]] = []
    used_kids = []
    store.rotate()
    for second in range(2 * (MAX_AGE_S + TTL_S)):
        clock.move(1)
        store.reload()
        if second == TTL_S:
            store.rotate()
        if clock.now - ring_at[-1][0] >= loaded_every_s:
            ring_at.append((clock.now, ring_of(store, kind)))
        if second % 7 == 0:
            tokens.append((clock.now, sign(store, clock)))
            used_kids.append(kid_of(tokens[-1][1]))
            ring = ring_at[-1][1]
            refused = [
                made_at for made_at, token in tokens if clock.now < made_at + TTL_S and not accepts(ring, token, clock)
            ]
            assert [] == refused
    assert 3 == len(set(used_kids)), "three keys took turns"


def ring_of(store: KeyStore, kind: str) -> KeyRing:
    """Copy the keys, as a verifier that loads them now."""
    return KeyRing(store.ring(AUDIENCE)) if kind == "HS256" else published(store)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_key_is_published_first_and_signs_when_all_have_had_time_to_load_it(
    open_store: OpenStore, clock: Clock, kind: str
) -> None:
    store = open_store(kind)
    old = kid_of(sign(store, clock))
    new = store.rotate()["kid"]
    delay_s = FILE_DELAY_S if kind == "HS256" else MAX_AGE_S + FILE_DELAY_S
    assert store.ring(AUDIENCE).get(new) is not None
    assert ["signing", "published"] == states(store)
    clock.move(delay_s - 0.1)
    store.reload()
    assert old == kid_of(sign(store, clock))
    clock.move(0.2)
    store.reload()
    assert new == kid_of(sign(store, clock))
    assert ["verifying", "signing"] == states(store)


@pytest.mark.parametrize("kind", KINDS)
def test_the_old_key_goes_when_its_last_token_has_expired(open_store: OpenStore, clock: Clock, kind: str) -> None:
    store = open_store(kind)
    store.rotate()
    clock.move((FILE_DELAY_S if kind == "HS256" else MAX_AGE_S + FILE_DELAY_S) - 0.1)
    store.reload()
    last = sign(store, clock)
    clock.move(TTL_S - 0.1)
    store.reload()
    assert accepts(store.ring(AUDIENCE), last, clock)
    clock.move(SKEW_S + 1)
    store.reload()
    assert ["signing"] == states(store)
    assert store.ring(AUDIENCE).get(kid_of(last)) is None
    if kind != "HS256":
        assert 1 == len(store.jwks()["keys"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_retired_key_is_distrusted_at_once(open_store: OpenStore, clock: Clock, kind: str) -> None:
    store = open_store(kind)
    leaked = sign(store, clock)
    store.rotate()
    clock.move(MAX_AGE_S + FILE_DELAY_S)
    store.reload()
    store.retire(kid_of(leaked))
    assert not accepts(store.ring(AUDIENCE), leaked, clock)
    assert ["signing"] == states(store)
    reopened = open_store(kind)
    assert not accepts(reopened.ring(AUDIENCE), leaked, clock), "not even after a restart"
    assert kid_of(sign(store, clock)) == kid_of(sign(reopened, clock))


@pytest.mark.parametrize("waited_s", [0, MAX_AGE_S + FILE_DELAY_S])
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_when_the_new_key_is_retired_the_old_one_signs_for_as_long_as_it_is_needed(
    open_store: OpenStore, clock: Clock, kind: str, *, again: bool, waited_s: float
) -> None:
    """Its end was set for a successor that is gone: with it, nobody could log in after some minutes."""
    store = open_store(kind)
    new = store.rotate()
    clock.move(waited_s)
    store.reload()
    if again:
        store.rotate()
    store.retire(new["kid"])
    held: list[str] = []
    for _ in range(2 * TTL_S // 10):
        store.reload()
        held = [sign(store, clock), *held][: TTL_S // 10]
        assert all(accepts(store.ring(AUDIENCE), token, clock) for token in held)
        clock.move(10)
    assert 1 == len(states(store))


@pytest.mark.parametrize("kind", KINDS)
def test_the_only_key_that_can_sign_cannot_be_retired(open_store: OpenStore, clock: Clock, kind: str) -> None:
    store = open_store(kind)
    with pytest.raises(Conflict):
        store.retire(kid_of(sign(store, clock)))
    store.rotate()
    with pytest.raises(Conflict):
        store.retire(kid_of(sign(store, clock)))
    with pytest.raises(NotFound):
        store.retire("made-up")
    sign(store, clock)


@pytest.mark.parametrize("kind", KINDS)
def test_two_servers_that_share_a_directory_agree(open_store: OpenStore, clock: Clock, kind: str) -> None:
    one, other = open_store(kind), open_store(kind)
    assert kid_of(sign(one, clock)) == kid_of(sign(other, clock))
    new = one.rotate()["kid"]
    other.reload()
    assert accepts(other.ring(AUDIENCE), sign(one, clock), clock)
    clock.move(MAX_AGE_S + FILE_DELAY_S)
    for store in (one, other):
        store.reload()
        assert new == kid_of(sign(store, clock))
    assert one.describe() == other.describe()
    assert one.jwks() == other.jwks()
    one.retire(one.describe()[0]["kid"])
    other.reload()
    assert one.describe() == other.describe()


@pytest.mark.parametrize("kind", KINDS)
def test_a_restart_in_the_middle_of_a_rotation_changes_nothing(open_store: OpenStore, clock: Clock, kind: str) -> None:
    store = open_store(kind)
    before = sign(store, clock)
    new = store.rotate()["kid"]
    restarted = open_store(kind)
    assert store.describe() == restarted.describe()
    assert accepts(restarted.ring(AUDIENCE), before, clock)
    clock.move(MAX_AGE_S + FILE_DELAY_S)
    restarted.reload()
    assert new == kid_of(sign(restarted, clock))


def test_each_audience_has_a_key_of_its_own(open_store: OpenStore, clock: Clock) -> None:
    """JWT-24: what one API's servers hold cannot mint for another."""
    store = open_store()
    tokens = {audience: sign(store, clock, audience) for audience in (AUDIENCE, OTHER_AUDIENCE)}
    assert kid_of(tokens[AUDIENCE]) != kid_of(tokens[OTHER_AUDIENCE])
    assert not accepts(store.ring(AUDIENCE), tokens[OTHER_AUDIENCE], clock, OTHER_AUDIENCE)
    assert accepts(store.ring(OTHER_AUDIENCE), tokens[OTHER_AUDIENCE], clock, OTHER_AUDIENCE)


def test_resource_servers_find_their_audiences_keys_in_a_file(
    open_store: OpenStore, clock: Clock, tmp_path: Path
) -> None:
    directory = tmp_path / "audiences"
    store = open_store(AUTH_AUDIENCE_KEYS_DIR=str(directory))

    def held(audience: str) -> KeyRing:
        return secret_ring(audience_file(directory, audience).read_text())

    assert [secret_thumbprint(shared_secret())] == [key.kid for key in held(AUDIENCE)]
    assert [secret_thumbprint(shared_secret(OTHER_AUDIENCE))] == [key.kid for key in held(OTHER_AUDIENCE)]
    before = sign(store, clock)
    store.rotate()
    assert 2 == len(held(AUDIENCE)), "the next key is there before it signs"
    clock.move(FILE_DELAY_S)
    store.reload()
    after = sign(store, clock)
    assert kid_of(before) != kid_of(after)
    assert accepts(held(AUDIENCE), before, clock)
    assert accepts(held(AUDIENCE), after, clock)
    clock.move(TTL_S + SKEW_S)
    store.reload()
    assert [kid_of(after)] == [key.kid for key in held(AUDIENCE)]
    texts = [path.read_text() for path in directory.iterdir()]
    assert [] == [text for text in texts if MASTER in text], "the master stays with the auth server"


def test_an_audience_names_a_file_and_never_a_path(tmp_path: Path) -> None:
    for audience in ("../../etc/passwd", "https://api.example/v1", "a/b", ".", "..", "a\0b"):
        assert tmp_path == audience_file(tmp_path, audience).parent


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_else_may_read_a_key_file(open_store: OpenStore, tmp_path: Path, kind: str) -> None:
    store = open_store(kind, AUTH_AUDIENCE_KEYS_DIR=str(tmp_path / "audiences"))
    store.rotate()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in files}
    assert [] == [path for path in files if path.name.startswith(".new-")], "nothing half-written is left"
    directories = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert {0o700} == {stat.S_IMODE(path.stat().st_mode) for path in directories}


def test_a_key_record_does_not_show_its_material(open_store: OpenStore, tmp_path: Path) -> None:
    open_store("ES256")
    (record,) = read_records(tmp_path / "keys")
    assert "PRIVATE" not in f"{record} {record!r}"


def test_without_a_directory_keys_cannot_be_rotated(clock: Clock) -> None:
    store = KeyStore(load(AuthSettings, auth_environment()))
    store.load()
    with pytest.raises(Conflict):
        store.rotate()
    with pytest.raises(Conflict):
        store.retire(kid_of(sign(store, clock)))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"record_id": "x"}', '{"unknown": 1}'])
def test_a_directory_that_cannot_be_read_stops_the_start(open_store: OpenStore, tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "broken.key.json").write_text(text)
    with pytest.raises(SettingsError, match=r"AUTH_KEYS_DIR .* broken\.key\.json"):
        open_store("ES256")


def test_a_master_that_is_replaced_in_its_file_is_followed_with_an_overlap(
    open_store: OpenStore, clock: Clock, tmp_path: Path
) -> None:
    file = tmp_path / "master"
    write_secret(file, MASTER)
    store = open_store(AUTH_MASTER_SECRET="", AUTH_MASTER_SECRET_FILE=str(file))
    before = sign(store, clock)
    write_secret(file, "too short")
    store.reload()
    assert kid_of(before) == kid_of(sign(store, clock)), "a broken file leaves the last good one"
    write_secret(file, base64url_text(bytes(range(7, 135, 4))[:32][::-1] + b"\x91\x13"))
    store.reload()
    after = sign(store, clock)
    assert kid_of(before) != kid_of(after)
    assert accepts(store.ring(AUDIENCE), before, clock)
    assert accepts(store.ring(AUDIENCE), after, clock)
    clock.move(24 * 3600 + 1)
    store.reload()
    assert store.ring(AUDIENCE).get(kid_of(before)) is None


def write_secret(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def test_refresh_tokens_survive_a_rotation_and_a_restart(open_store: OpenStore, clock: Clock) -> None:
    for kind in ("HS256", "ES256"):
        store = open_store(kind)
        secret = store.refresh_secret
        store.rotate()
        clock.move(MAX_AGE_S + FILE_DELAY_S)
        store.reload()
        assert secret == store.refresh_secret == open_store(kind).refresh_secret
        assert 32 == len(secret)


def test_logs_name_keys_and_hold_none(open_store: OpenStore, clock: Clock, logged: list[Any]) -> None:
    store = open_store("ES256")
    store.rotate()
    clock.move(MAX_AGE_S + FILE_DELAY_S)
    store.reload()
    store.retire(store.describe()[0]["kid"])
    assert {"keys.signing", "keys.rotated", "keys.retired"} <= {event["event"] for event in logged}
    assert "PRIVATE" not in json.dumps(logged)
