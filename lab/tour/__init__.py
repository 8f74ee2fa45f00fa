"""The terminal tour: the lessons of the lab, walked through with the running servers."""
