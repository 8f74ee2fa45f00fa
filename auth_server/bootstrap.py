"""Make the secrets that a new system starts from: the master for the auth server, a key set per audience.

    python -m auth_server.bootstrap --secrets DIR --audience authlab-api

It can be run again: what is there stays. The master never leaves DIR/auth; DIR/audiences is for resource servers.
`--lab-secret FILE` adds what lets the lab ask a server which of its checks decided.
"""

import json
import os
from pathlib import Path

import click

from auth_server.key_records import write_private
from auth_server.key_store import audience_file
from core.keys import audience_secret, secret_jwk, strong_secret
from core.strict_json import base64url_text


@click.command()
@click.option("--secrets", "directory", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--audience", "audiences", multiple=True, default=["authlab-api"], show_default=True)
@click.option("--lab-secret", "lab_secret_file", type=click.Path(dir_okay=False, path_type=Path))
def bootstrap(directory: Path, audiences: tuple[str, ...], lab_secret_file: Path | None) -> None:
    """Create what is missing."""
    master_file = directory / "auth" / "master"
    for private in (directory / "auth", directory / "auth" / "keys"):
        private.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not master_file.exists():
        write_private(master_file, base64url_text(os.urandom(32)))
    master = strong_secret(master_file.read_text(encoding="utf-8"))
    for audience in audiences:
        path = audience_file(directory / "audiences", audience)
        if not path.exists():
            write_private(path, json.dumps({"keys": [secret_jwk(audience_secret(master, audience))]}))
    if lab_secret_file is not None and not lab_secret_file.exists():
        write_private(lab_secret_file, base64url_text(os.urandom(32)))


if __name__ == "__main__":
    bootstrap()
