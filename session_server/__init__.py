"""Credentials → cookie → subject → guarded API. The session lives on the server; the cookie is only its name."""
