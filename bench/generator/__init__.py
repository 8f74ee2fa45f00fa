"""The load generator: processes of their own, requests as ready-made bytes, one thread and no framework."""
