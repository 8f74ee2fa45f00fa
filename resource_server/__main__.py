"""Run one resource server from the environment."""

from core.process import main
from resource_server.app import create_app
from resource_server.settings import ResourceSettings

if __name__ == "__main__":
    main("resource_server", ResourceSettings, create_app)
