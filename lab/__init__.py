"""The command `authlab`: the whole system without Docker, and what a learner does with it."""
