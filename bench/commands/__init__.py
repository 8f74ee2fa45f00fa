"""The commands of the benchmark, one a file: each module has a `command`."""
