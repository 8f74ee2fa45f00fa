"""FastAPI under uvicorn, three times: bare, with a JWT, with a session in Redis."""
