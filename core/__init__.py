"""What every server is made of. Imports no server."""
