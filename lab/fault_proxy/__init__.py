"""A TCP proxy in front of a real server that can be slow, silent, gone or cut, on demand, and heals by itself."""
