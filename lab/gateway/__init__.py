"""The lab's page and the gateway behind it: forwards what a learner does and records every byte of it."""
