"""Run one session server from the environment."""

from core.process import main
from session_server.app import create_app
from session_server.settings import SessionSettings

if __name__ == "__main__":
    main("session_server", SessionSettings, create_app)
