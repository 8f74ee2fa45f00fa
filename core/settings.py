"""Settings from the environment and from secret files, built once; a start with wrong ones ends in one line.

This is the only place that reads `os.environ`.
"""

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
)

SECRETS_DIR = Path("/run/secrets")
DEFAULT_HASH_MEMORY_KIB = 19456
DEFAULT_RATE_PER_ACCOUNT = 10
DEFAULT_RATE_PER_ADDRESS = 300
DEFAULT_RATE_OVERALL = 3000
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class SettingsError(Exception):
    """A setting is missing, does not parse or is too weak to start with. The message names it and holds no secret."""


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an http(s) URL without query and fragment is needed")
    return value


def _redis_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss", "unix", SENTINEL_SCHEME}:
        raise ValueError("a URL of redis, rediss, unix or redis+sentinel is needed")
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if len(hosts) > 1 and parts.scheme != SENTINEL_SCHEME:
        raise ValueError("several hosts are sentinels: redis+sentinel://h:p,h:p/0?master=name")
    if parts.scheme != "unix" and not (all(map(_is_host, hosts)) and re.fullmatch(r"/?[0-9]{0,4}", parts.path)):
        raise ValueError("host, port or database number cannot be read")
    return value


def _is_host(text: str) -> bool:
    parts = urlsplit(f"//{text}")
    try:
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(_split)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
SENTINEL_SCHEME = "redis+sentinel"
Secret = SecretStr


class ServerSettings(BaseModel):
    """What every server is told. Field names are the environment variables in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    secret_fields: ClassVar[tuple[str, ...]] = ("lab_secret",)

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(ge=0, le=65535)
    """The port to listen on."""
    name: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,64}$")
    """What it calls itself in answers and logs."""
    workers: int = Field(default=1, ge=1, le=64)
    """How many processes share its socket."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """`debug`, `info`, `warning` or `error`."""
    log_format: Literal["json", "console"] = "json"
    """`json` for programs, `console` for people."""
    server_timing: bool = False
    """Whether answers tell the time for verifying and for lookups (`Server-Timing`)."""
    authlab_demo: bool = False
    """Allows demo accounts, weak hashing and plain HTTP beyond loopback. Never in earnest."""
    lab_secret: Secret | None = None
    """Whoever sends it as `Authlab-Secret` is told which check refused."""
    clock_offset_s: float = 0.0
    """Moves the server's clock, in a demo only."""

    _secret_files: dict[str, Path] = PrivateAttr(default_factory=dict)

    def model_post_init(self, _context: Any) -> None:
        """Refuse combinations that are unsafe. Subclasses extend `check`."""
        self.check()

    def check(self) -> None:
        """Raise `SettingsError` for what no single field can tell."""
        if self.clock_offset_s and not self.authlab_demo:
            raise SettingsError("CLOCK_OFFSET_S moves the clock for a lesson; it needs AUTHLAB_DEMO=true")

    def remember_secret_files(self, files: Mapping[str, Path]) -> None:
        """Note which files secrets came from; called once, by `load`."""
        self._secret_files.update(files)

    def secret_file(self, field: str) -> Path | None:
        """Name the file that a secret came from, so that its owner can follow changes."""
        return self._secret_files.get(field)

    def clock(self) -> Callable[[], float]:
        """Return the wall clock in Unix seconds, moved by `CLOCK_OFFSET_S` in a demo."""
        if not self.clock_offset_s:
            return time.time
        offset_s = self.clock_offset_s
        return lambda: time.time() + offset_s

    def require_encrypted_transport(self, field: str, url: str) -> None:
        """Take plain HTTP only on loopback or in a demo."""
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK and not self.authlab_demo:
            raise SettingsError(
                f"{field.upper()} must be https: plain HTTP is taken on loopback or with AUTHLAB_DEMO=true"
            )


class LoginSettings(ServerSettings):
    """What a server needs that checks passwords."""

    login_hash_memory_kib: int = Field(default=DEFAULT_HASH_MEMORY_KIB, ge=8)
    """The memory that one password hash takes; less than the default in a demo only."""
    login_rate_per_account: int = Field(default=DEFAULT_RATE_PER_ACCOUNT, ge=1)
    """Failed logins that one account may have in a row before each next one has to wait."""
    login_rate_per_address: int = Field(default=DEFAULT_RATE_PER_ADDRESS, ge=1)
    """Failed logins that may come from one address prefix in a minute."""
    login_rate_overall: int = Field(default=DEFAULT_RATE_OVERALL, ge=1)
    """Failed logins in a minute, of all accounts, beyond which each account has to wait after its first."""

    def check(self) -> None:
        """Refuse what is weaker than the default outside a demo."""
        super().check()
        defaults = (DEFAULT_RATE_PER_ACCOUNT, DEFAULT_RATE_PER_ADDRESS, DEFAULT_RATE_OVERALL)
        rates = (self.login_rate_per_account, self.login_rate_per_address, self.login_rate_overall)
        if not self.authlab_demo and any(rate > default for rate, default in zip(rates, defaults, strict=True)):
            raise SettingsError("LOGIN_RATE_… above the default needs AUTHLAB_DEMO=true")
        if self.login_hash_memory_kib < DEFAULT_HASH_MEMORY_KIB and not self.authlab_demo:
            raise SettingsError(f"LOGIN_HASH_MEMORY_KIB below {DEFAULT_HASH_MEMORY_KIB} needs AUTHLAB_DEMO=true")


S = TypeVar("S", bound=ServerSettings)


def load(
    settings_type: type[S], environ: Mapping[str, str] | None = None, overrides: Mapping[str, str] | None = None
) -> S:
    """Build the settings of one server; an empty variable counts as none.

    Raises `SettingsError` with one line that names what is wrong.
    """
    environ = {**(os.environ if environ is None else environ), **(overrides or {})}
    secrets, files = _secrets(settings_type.secret_fields, environ)
    fields = settings_type.model_fields
    given = {name: environ[name.upper()] for name in fields if environ.get(name.upper()) and name not in secrets}
    try:
        settings = settings_type(**given, **secrets)
    except ValidationError as error:
        raise SettingsError("; ".join(_line(details) for details in error.errors())) from None
    settings.remember_secret_files(files)
    return settings


def _line(details: Any) -> str:
    name = str(details["loc"][0]).upper() if details["loc"] else "settings"
    if details["type"] == "missing":
        return f"{name} is missing"
    return f"{name}: {details['msg'].removeprefix('Value error, ')}"


def _secrets(names: tuple[str, ...], environ: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Path]]:
    values: dict[str, str] = {}
    files: dict[str, Path] = {}
    for name in names:
        variable = name.upper()
        candidates = [SECRETS_DIR / name, SECRETS_DIR / variable]
        named = environ.get(f"{variable}_FILE")
        sources: list[Path | str] = [path for path in candidates if path.is_file()]
        sources += [Path(named)] if named else []
        sources += [environ[variable]] if environ.get(variable) else []
        if len(sources) > 1:
            raise SettingsError(
                f"{variable} is given more than once: as a value, as {variable}_FILE or in {SECRETS_DIR}"
            )
        for source in sources:
            if isinstance(source, Path):
                files[name] = source
                values[name] = read_secret(variable, source)
            else:
                values[name] = source
    return values, files


def read_secret(variable: str, path: Path) -> str:
    """Read a secret file that nobody but its owner and group can read. Raises `SettingsError`."""
    try:
        if path.stat().st_mode & 0o007:
            raise SettingsError(f"{variable}_FILE {path} can be read by everyone: chmod o= {path}")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable}_FILE {path} cannot be read: {type(error).__name__}") from error
