"""Serves the site: Starlette, uvicorn, and the headers that the app is safe and fast with."""

from __future__ import annotations

import errno
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

_GRACE_S = 2


class Certificate(NamedTuple):
    """What HTTPS needs.

    Attributes:
        chain: PEM file of the certificate, and of those between it and its authority.
        key: PEM file of its private key.
    """

    chain: Path
    key: Path


def build_app(site: Site) -> ASGIApp:
    """The ASGI application that answers GET and HEAD for the site's paths, and nothing else."""

    def answer(request: Request) -> Response:  # in a thread: a golden tile is made when asked for
        resource = site.get(request.path_params["path"] or INDEX)
        if resource is None:
            raise HTTPException(404)
        return _respond(resource, request.headers.get("if-none-match", ""))

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


def configure(site: Site, certificate: Certificate | None = None) -> uvicorn.Config:
    """A server for the site, ready to run.

    Args:
        site: what it serves.
        certificate: for HTTPS; by default it serves HTTP.

    Raises:
        ZoomError: the certificate cannot be used.
    """
    config = uvicorn.Config(
        build_app(site),
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


def _respond(resource: Resource, known: str) -> Response:
    headers = {"ETag": resource.etag, "Cache-Control": resource.cache_control}
    tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
    if resource.etag in tags or "*" in tags:
        return Response(status_code=304, headers=headers)
    return Response(resource.content, headers=headers, media_type=resource.media_type)


def _own_address(family: int, default: str) -> str:
    """The address by which others reach this machine; asking for it sends nothing."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1" if family == socket.AF_INET else "2001:db8::1", 9))
        return str(probe.getsockname()[0])
    return default


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
