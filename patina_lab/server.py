"""The mothership: a log and its projections as JSON over HTTP, for other programs.

Read-only.  It listens on the loopback interface; on another one only with a token.  The
schema of every answer is at ``/openapi.json``.

This module needs the extra ``serve`` (FastAPI); `patina_lab.cli` says so where it is missing.
"""

from __future__ import annotations

import hmac
import io
import ipaddress
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware.trustedhost import TrustedHostMiddleware

from patina_lab import __version__
from patina_lab.errors import InvalidOption, NoLog, PatinaError, UnknownName, UsageError
from patina_lab.eventlog.eventlog import Eventlog
from patina_lab.eventlog.export import write, write_table
from patina_lab.eventlog.relations import NAMES
from patina_lab.lab import Lab
from patina_lab.projections import registry

MOST_ROWS = 10_000
"""Rows that one answer holds at most; `offset` leads to the others."""

_LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]", "::1"]

Limit = Annotated[int, Query(ge=0, le=MOST_ROWS)]
Offset = Annotated[int, Query(ge=0)]


class Health(BaseModel):
    """Which log is served."""

    status: str
    version: str
    repository: str
    digest: str
    source_sha: str
    events: int
    state: str


class Rows(BaseModel):
    """Some rows of a table, and how many there are."""

    digest: str
    source_sha: str
    total: int
    offset: int
    rows: list[dict[str, Any]]


class Table(Rows):
    """Some rows of a projection."""

    projection: str
    projection_version: int
    params: dict[str, Any]


class Question(BaseModel):
    """What is asked of `/scry`; a field that does not exist is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")

    query: str
    k: int = Field(default=10, ge=1, le=MOST_ROWS)
    mode: str = "auto"
    type: list[str] | None = None
    since: str | None = None
    until: str | None = None
    as_of: str | None = None
    scope: str | None = None
    domains: list[str] = []
    persona: bool = True


class Found(BaseModel):
    """Hits, best first, and how they were found."""

    digest: str
    source_sha: str
    mode: str
    asked: int
    notices: list[str]
    state: str
    hits: list[dict[str, Any]]


class Described(BaseModel):
    """What a projection is."""

    name: str
    version: int
    summary: str
    reads: list[str]
    columns: dict[str, str]
    params: dict[str, Any]


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine can reach `host`.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def sliced(
    request: Request,
    as_of: Annotated[str | None, Query(description="a date, a timestamp, a sha or a tag")] = None,
    since: Annotated[str | None, Query(description="a date or a timestamp")] = None,
    until: Annotated[str | None, Query(description="a date or a timestamp")] = None,
    type: Annotated[list[str] | None, Query(description="event types; * matches")] = None,  # noqa: A002 - the name in the address
    source: Annotated[list[str] | None, Query()] = None,
    author: Annotated[list[str] | None, Query()] = None,
    path: Annotated[list[str] | None, Query()] = None,
) -> Callable[[], Eventlog]:
    """Return what makes the slice that an address asks for."""

    def make() -> Eventlog:
        log: Eventlog = request.app.state.lab.log
        log = log if as_of is None else log.as_of(as_of)
        if since is not None or until is not None:
            log = log.between(since, until)
        return log.where(*(type or ()), source=source or (), author=author or (), path=path or ())

    return make


Sliced = Annotated[Callable[[], Eventlog], Depends(sliced)]
_SLICE_NAMES = {"as_of", "since", "until", "type", "source", "author", "path", "limit", "offset"}


def application(lab: Lab, *, host: str = "127.0.0.1", token: str | None = None) -> FastAPI:
    """Return the ASGI application over a lab.

    Parameters
    ----------
    lab : Lab
        Its current log is shown: a scrape by another process is seen by the next request.
    host : str
        Where it will listen.
    token : str or None
        What clients have to send as ``Authorization: Bearer TOKEN``.

    Raises
    ------
    InvalidOption
        `host` can be reached from elsewhere, and there is no token.
    """
    if not is_loopback(host) and not token:
        raise InvalidOption(
            f"Other machines can reach {host}, and there is no token.",
            "Set one in the environment: PATINA_TOKEN=…",
        )
    app = FastAPI(
        title="patina_lab",
        version=__version__,
        description="The event log of a repository, and what projections make of it.",
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.lab = lab
    app.state.asking = threading.Lock()  # one connection to the log: one question at a time
    if is_loopback(host):
        # A page on the web can give this machine's address to a name of its own.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=_LOOPBACK_NAMES)

    @app.middleware("http")
    async def authorize(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and hmac.compare_digest(
            given.encode(), (token or "").encode()
        )
        if token and not known:
            return JSONResponse(
                {"error": "Unauthorized", "message": "Send Authorization: Bearer TOKEN."},
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        return await call_next(request)

    @app.exception_handler(PatinaError)
    async def refuse(request: Request, err: Exception) -> Response:
        assert isinstance(err, PatinaError)
        status = 500
        if isinstance(err, UnknownName | NoLog):
            status = 404
        elif isinstance(err, UsageError):
            status = 400
        said = {"error": type(err).__name__, "message": err.message, "hint": err.hint}
        return JSONResponse(said, status_code=status)

    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/log", rows, methods=["GET"])
    app.add_api_route("/scry", scry, methods=["POST"])
    app.add_api_route("/projections", projections, methods=["GET"])
    app.add_api_route("/projections/{name}", projection, methods=["GET"])
    return app


def health(request: Request) -> Health:
    """Say which log is served, and whether its repository has moved on."""
    lab: Lab = request.app.state.lab
    with request.app.state.asking:
        log = lab.log
        return Health(
            status="ok",
            version=__version__,
            repository=lab.repository.name,
            digest=log.digest,
            source_sha=log.opened.manifest.source_sha,
            events=len(log),
            state=lab.staleness(),
        )


def rows(request: Request, slice_: Sliced, limit: Limit = 100, offset: Offset = 0) -> Rows:
    """Return events, in the log's order."""
    with request.app.state.asking:
        log = slice_()
        text = io.BytesIO()
        page = log.rel("eventlog").query(
            f"SELECT * FROM this ORDER BY seq LIMIT {limit} OFFSET {offset}"
        )
        write(page, log, text, "jsonl")
        return Rows(
            digest=log.digest,
            source_sha=log.opened.manifest.source_sha,
            total=len(log),
            offset=offset,
            rows=_parsed(text),
        )


def scry(request: Request, question: Question) -> Found:
    """Find what was known about something; nothing is embedded while a client waits."""
    lab: Lab = request.app.state.lab
    asked = question.model_dump(exclude={"query"})
    with request.app.state.asking:
        lab.log  # noqa: B018 - without a log there is nothing to serve
        table = lab.scry(question.query, progress=False, **asked)
        hits = json.loads(
            table.to_json(orient="records", date_format="iso", date_unit="us", double_precision=15)
        )
        return Found(
            digest=table.attrs["digest"],
            source_sha=table.attrs["source_sha"],
            mode=table.attrs["mode"],
            asked=table.attrs["asked"],
            notices=table.attrs["notices"],
            state=table.attrs["state"],
            hits=hits,
        )


def projections() -> list[Described]:
    """List the projections: what they read, give and take."""
    return [
        Described(
            name=p.name,
            version=p.version,
            summary=p.summary,
            reads=list(p.reads),
            columns=dict(p.columns),
            params=dict(p.params),
        )
        for p in registry.every()
    ]


def projection(
    request: Request, name: str, slice_: Sliced, limit: Limit = 100, offset: Offset = 0
) -> Table:
    """Compute a projection over a slice; other names in the address are its parameters."""
    wanted = registry.find(name, NAMES)
    given = {
        key: _value(text) for key, text in request.query_params.items() if key not in _SLICE_NAMES
    }
    with request.app.state.asking:
        log = slice_()
        table = wanted(log, **given).arrow()
        text = io.BytesIO()
        write_table(table.slice(offset, limit), text, "jsonl")
        return Table(
            projection=wanted.name,
            projection_version=wanted.version,
            params={**wanted.params, **given},
            digest=log.digest,
            source_sha=log.opened.manifest.source_sha,
            total=table.num_rows,
            offset=offset,
            rows=_parsed(text),
        )


def _value(text: str) -> Any:
    """Read a parameter of a projection: JSON where it is some."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parsed(text: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.getvalue().splitlines()]
