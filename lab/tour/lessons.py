"""All lessons in their order. A new one is a file beside this and a line below."""

from lab.tour import (
    buying_revocation,
    distance,
    inside_a_token,
    kill_the_auth_server,
    kill_the_store,
    leaked_secret,
    logging_out,
    one_token_three_servers,
    rotating_a_key,
    second_server,
    stale_claims,
    stolen_refresh_token,
    tampering,
    two_flows,
    which_one,
)
from lab.tour.lesson import Lesson

LESSONS: tuple[Lesson, ...] = (
    two_flows.LESSON,
    one_token_three_servers.LESSON,
    second_server.LESSON,
    inside_a_token.LESSON,
    tampering.LESSON,
    logging_out.LESSON,
    buying_revocation.LESSON,
    kill_the_store.LESSON,
    kill_the_auth_server.LESSON,
    stolen_refresh_token.LESSON,
    leaked_secret.LESSON,
    rotating_a_key.LESSON,
    stale_claims.LESSON,
    distance.LESSON,
    which_one.LESSON,
)
