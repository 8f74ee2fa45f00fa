"""Flask under gunicorn, twice: bare and with Flask-JWT-Extended."""
