"""Credentials → token. The only server that can make a token, and the only one that knows what was revoked."""
