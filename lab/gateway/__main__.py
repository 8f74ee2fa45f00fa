"""`python -m lab.gateway`: run the gateway from the environment alone."""

from core.process import main
from lab.gateway.app import create_app
from lab.gateway.settings import GatewaySettings

if __name__ == "__main__":
    main("lab.gateway", GatewaySettings, create_app)
