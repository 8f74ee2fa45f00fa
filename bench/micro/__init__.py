"""Each step of a request alone: what it costs when nothing else happens, beside what others charge for the same."""
