"""What a request costs, and how stale its answer may be: measured, for every strategy."""
