"""Who is asking, once the credential was proved."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """A proved identity with what it may do.

    Identity is the pair (`issuer`, `id`), never `id` alone (ASVS 10.3.3). `issued_at` is when
    all this was true, in Unix seconds.
    """

    issuer: str
    id: str
    name: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    issued_at: float
