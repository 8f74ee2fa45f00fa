"""What people use today, as small applications of the usual kind, measured beside ours.

Each of them answers `/me` with the body that ours has, knows callers by the same token or by a session in the same
Redis, and is set up as for production. Their libraries are installed on request, into a folder that git ignores.
"""
