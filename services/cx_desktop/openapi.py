"""Describe the service for OpenAPI."""

from __future__ import annotations

from cx_desktop.session_routes import ME_PATH, SignIn
from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT, TIME, array, named, or_none, ref, words
from cx_runtime.openapi.document import Description
from cx_runtime.openapi.operation import JSON, KEY, Operation, answer, parameter, problem_answers
from cx_runtime.openapi.struct_schemas import schemas_of
from cx_runtime.sessions.sealing import COOKIE, CSRF_HEADER
from cx_runtime.sessions.session_auth import SIGN_IN_PATH

SESSION = "session"
"""The security scheme of a session's cookie."""

_TAG = "session"

_ME = named(
    "Me",
    {
        "tenant": TEXT,
        "key": {**TEXT, "description": "The key's id."},
        "scopes": array(TEXT),
        "required_assurance": or_none(words("proved", "asserted")),
        "agent": or_none(
            named(
                "SignedInAgent",
                {"id": TEXT, "name": TEXT, "teams": array(TEXT), "queues": array(TEXT)},
                about="Who the person is, as the directory knows them.",
            )
        ),
        "environment": named(
            "Environment",
            {"name": TEXT, "color": {**TEXT, "description": "`#rrggbb`."}},
            about="What this hub is, for people; empty where nobody said.",
        ),
        "chats": {
            **array(TEXT),
            "description": "Connections of the hub's own web chat. A `cx.message.sent.v1` with an interaction "
            "of theirs (`CONNECTION/...`) is told to the visitor.",
        },
        "session": or_none(
            named(
                "SessionState",
                {"expires": TIME, "csrf_token": TEXT},
                about=f"`csrf_token`: to be sent in `{CSRF_HEADER}` with every request that is not a GET.",
            )
        ),
        "now": {**TIME, "description": "The server's clock."},
    },
    about="Who asks. `session`: null where the request came with a key.",
)
_TOKEN = parameter(CSRF_HEADER, "The session's token, as `/v1/me` tells it.", place="header")
_COOKIE: Json = {"Set-Cookie": {"schema": TEXT, "description": f"`{COOKIE}`: HttpOnly, Secure, SameSite=Lax."}}


_SIGN_IN = Operation(
    "sign_in",
    _TAG,
    "Exchange a key for a session, whose cookie stands for it",
    {
        "201": answer("Signed in.", {JSON: ref("Me")}, _COOKIE),
        **problem_answers(
            (400, 401, 403, 408, 413, 415, 422, 429, 503),
            {
                401: "The key is unknown.",
                403: "The page is of another origin, or the key is another agent's.",
                429: "Too many wrong keys were tried from this address.",
            },
        ),
    },
    body={JSON: ref("SignIn")},
    examples={JSON: {"key": "the key of a desk", "agent": "ben"}},
    about="For pages of the hub's own origin. A new session is begun whatever cookie came with it.",
)
_SIGN_OUT = Operation(
    "sign_out",
    _TAG,
    "End the session, at every process",
    {"204": answer("Signed out.", headers=_COOKIE), **problem_answers((403, 429, 503))},
    parameters=[_TOKEN],
)
_WHO = Operation(
    "get_me",
    _TAG,
    "Who the key or the session is",
    {"200": answer("As asked for.", {JSON: ref("Me")}), **problem_answers((401, 403, 429, 503))},
    security=[{KEY: []}, {SESSION: []}],
    about="Takes any key.",
)


def description() -> Description:
    """Return what this service adds to the document of a process."""
    return Description(
        {(SIGN_IN_PATH, "post"): _SIGN_IN, (SIGN_IN_PATH, "delete"): _SIGN_OUT, (ME_PATH, "get"): _WHO},
        {"Me": _ME, **schemas_of([SignIn])},
        security={
            SESSION: {
                "type": "apiKey",
                "in": "cookie",
                "name": COOKIE,
                "description": "A session of the hub's own pages. It opens every operation that its key opens.",
            }
        },
        tags={_TAG: "Signing in to the pages, and who is signed in."},
    )
