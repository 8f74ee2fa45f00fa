"""aiohttp, three times: PyJWT by hand, redis-py by hand, and aiohttp-session. Their control is the arm `bare`."""
