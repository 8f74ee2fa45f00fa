"""The two ways to give a shared secret on the command line."""

import click

from lab.by_hand import NotBase64url, base64url_decode


def decoded_secret(text: str | None, base64url: str | None) -> bytes | None:
    """Return the secret's bytes, or None when none was given."""
    if base64url is None:
        return None if text is None else text.encode()
    if text is not None:
        raise click.UsageError("give --secret or --secret-base64url, not both")
    try:
        return base64url_decode(base64url)
    except NotBase64url as error:
        raise click.UsageError(f"--secret-base64url: {error}") from error
