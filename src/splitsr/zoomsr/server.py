"""Serves the site: Starlette, uvicorn, and the headers that the app is safe and fast with."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from splitsr.errors import ZoomError
from splitsr.zoomsr.resources import Resource
from splitsr.zoomsr.site import INDEX, Site

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORTS = range(8017, 8037)
"""Tried in order unless a port is asked for. A browser keeps the app and its data by host and
port, so the first one should nearly always do."""

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self' blob:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    # These three isolate the page: only then does a browser give WebAssembly threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
"""On every response. A host of the exported files should send the same: docs/zoomsr.md."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

REQUEST_S = 15.0
"""Time for a request to arrive, from the connection or the answer before it."""

ANSWER_S = 300.0
"""Time for an answer to be made and taken: the largest file over a slow network."""

MAX_CONNECTIONS = 64
"""At once; a browser opens six."""

_GRACE_S = 2
_HOST = re.compile(r"(\[.*\]|[^:]*)(?::\d*)?")


class Certificate(NamedTuple):
    """What HTTPS needs.

    Attributes:
        chain: PEM file of the certificate, and of those between it and its authority.
        key: PEM file of its private key.
    """

    chain: Path
    key: Path


def build_app(site: Site, names: frozenset[str] | None = None) -> ASGIApp:
    """The ASGI application that answers GET and HEAD for the site's paths, and nothing else.

    Args:
        site: what it serves.
        names: as `own_names` gives them.
    """

    def answer(request: Request) -> Response:  # in a thread: a golden tile is made when asked for
        asked = _HOST.fullmatch(request.headers.get("host", "").lower())
        if names is not None and (asked is None or asked[1] not in names):
            raise HTTPException(421)
        resource = site.get(request.path_params["path"] or INDEX)
        if resource is None:
            raise HTTPException(404)
        return _respond(resource, request)

    return _WithHeaders(Starlette(routes=[Route("/{path:path}", answer, methods=["GET"])]))


def listen(host: str = DEFAULT_HOST, port: int | None = None) -> socket.socket:
    """Opens the socket that the server takes its connections from.

    Args:
        host: a name or an address of this machine.
        port: 0 for any free one; by default the first free one of `DEFAULT_PORTS`, or any.

    Raises:
        ZoomError: the port is taken, or the host is not this machine's.
    """
    ports = [*DEFAULT_PORTS, 0] if port is None else [port]
    for candidate in ports:
        try:
            family, *_, address = socket.getaddrinfo(host, candidate, type=socket.SOCK_STREAM)[0]
            return socket.create_server(address[:2], family=family, backlog=128)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and candidate != ports[-1]:
                continue
            reason = error.strerror or str(error)
            raise ZoomError(
                f"cannot listen on {host}, port {candidate}: {reason}; choose another --port or "
                "--host"
            ) from error
    raise AssertionError("ports is not empty")


def address_of(listener: socket.socket, *, secure: bool = False) -> str:
    """The URL to open. Where all of the machine's addresses are listened on, one is shown."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = _own_address(listener.family, "127.0.0.1" if host == "0.0.0.0" else "::1")
    return f"http{'s' if secure else ''}://{f'[{host}]' if ':' in host else host}:{port}/"


def own_names(host: str, listener: socket.socket) -> frozenset[str] | None:
    """The hosts that requests may name: another page's name may be made to lead to this machine.

    Args:
        host: that was to be listened on.
        listener: the socket.

    Returns:
        None, for any name, if the socket is open to other machines.
    """
    address = listener.getsockname()[0].partition("%")[0]
    if not ipaddress.ip_address(address).is_loopback:
        return None
    return LOOPBACK_NAMES | {f"[{host}]" if ":" in host else host.lower()}


def configure(
    site: Site, certificate: Certificate | None = None, names: frozenset[str] | None = None
) -> uvicorn.Config:
    """A server for the site, ready to run.

    Args:
        site: what it serves.
        certificate: for HTTPS; by default it serves HTTP.
        names: as `own_names` gives them.

    Raises:
        ZoomError: the certificate cannot be used.
    """
    config = uvicorn.Config(
        build_app(site, names),
        http=_Patient,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=certificate and certificate.chain,
        ssl_keyfile=certificate and certificate.key,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        raise ZoomError(
            f"{certificate and certificate.chain}: cannot be used with its key: "
            f"{error.strerror or error}"
        ) from error
    return config


def serve(config: uvicorn.Config, listener: socket.socket) -> None:
    """Answers until Ctrl-C, which is how a server is meant to end."""
    with listener, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def _respond(resource: Resource, request: Request) -> Response:
    encoding = _choose_encoding(resource, request.headers.get("accept-encoding", ""))
    etag = resource.etag(encoding)
    headers = {"ETag": etag, "Cache-Control": resource.cache_control}
    if resource.encodings:
        headers["Vary"] = "Accept-Encoding"
    known = request.headers.get("if-none-match", "")
    if {etag, "*"} & {tag.strip().removeprefix("W/") for tag in known.split(",")}:
        return Response(status_code=304, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(resource.encoded(encoding), headers=headers, media_type=resource.media_type)


def _choose_encoding(resource: Resource, accepted: str) -> str | None:
    """The smallest that a client takes by name: `*` is left to those who know what they get."""
    wishes = [wish.replace(" ", "").lower().partition(";q=") for wish in accepted.split(",")]
    taken = {name for name, _, weight in wishes if weight.strip("0.") or not weight}
    return next((encoding for encoding in resource.encodings if encoding in taken), None)


def _own_address(family: int, default: str) -> str:
    """The address by which others reach this machine; asking for it sends nothing."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1" if family == socket.AF_INET else "2001:db8::1", 9))
        return str(probe.getsockname()[0])
    return default


class _Patient(H11Protocol):
    """A connection that waits for a request and for an answer's end, but for so long only."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(REQUEST_S if len(self.connections) <= MAX_CONNECTIONS else 0)

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._wait(ANSWER_S)

    def on_response_complete(self) -> None:
        if not self.transport.get_write_buffer_size():  # else it is still to be taken
            self._wait(REQUEST_S)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._limit:
            self._limit.cancel()

    def _wait(self, seconds: float) -> None:
        if self._limit:
            self._limit.cancel()
        self._limit = self.loop.call_later(seconds, self.transport.abort)


class _WithHeaders:
    """Adds `HEADERS` to every response, those to wrong requests too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)
