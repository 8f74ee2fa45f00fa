"""All lessons in their order. A new one is a file beside this and a line below."""

from lab.tour import (
    buying_revocation,
    inside_a_token,
    logging_out,
    one_token_three_servers,
    rotating_a_key,
    second_server,
    stale_claims,
    stolen_refresh_token,
    tampering,
    two_flows,
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
    stolen_refresh_token.LESSON,
    rotating_a_key.LESSON,
    stale_claims.LESSON,
)
