"""One file per command of `authlab`."""
