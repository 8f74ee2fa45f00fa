"""Token → subject → guarded API. It remembers nobody and, with `plain_jwt`, asks nobody."""
