"""What a subject may do: one policy per route, deny by default. A credential is never seen here."""

from dataclasses import dataclass

from core.errors import Forbidden
from core.subject import Subject


@dataclass(frozen=True, slots=True)
class Policy:
    """What a route demands. `public` asks for no subject at all."""

    public: bool = False
    scope: str | None = None
    role: str | None = None


PUBLIC = Policy(public=True)
SIGNED_IN = Policy()


def needs(*, scope: str | None = None, role: str | None = None) -> Policy:
    """Demand a scope, a role, or both."""
    return Policy(scope=scope, role=role)


def authorize(subject: Subject, policy: Policy) -> None:
    """Return if the subject may use a route of this policy; raise `Forbidden` if not."""
    if policy.scope is not None and policy.scope not in subject.scopes:
        raise Forbidden("scope", f"The scope {policy.scope} is needed.")
    if policy.role is not None and policy.role not in subject.roles:
        raise Forbidden("role", f"The role {policy.role} is needed.")
