"""Run one auth server from the environment."""

from auth_server.app import create_app
from auth_server.settings import AuthSettings
from core.process import main

if __name__ == "__main__":
    main("auth_server", AuthSettings, create_app)
