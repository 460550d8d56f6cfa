"""The app's own server in a thread, a list of all that it is asked, and what it sends."""

from __future__ import annotations

import threading
from typing import NamedTuple, Self

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from splitsr.zoomsr.server import address_of, configure, listen
from splitsr.zoomsr.site import Site


class Asked(NamedTuple):
    """A request as it reached the server, from the page or from its service worker."""

    method: str
    path: str
    body: str  # how long it is said to be; "" for none


class Server:
    """Serves until the end of its `with`, or until `stop`.

    Attributes:
        asked: every request.
        sent: bytes of all answers, without their headers.
    """

    def __init__(self, site: Site) -> None:
        self.asked: list[Asked] = []
        self.sent = 0
        self._listener = listen("127.0.0.1", 0)
        self.url = address_of(self._listener)
        config = configure(site)
        config.loaded_app = self._recording(config.loaded_app)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._listener.close()

    def _recording(self, app: ASGIApp) -> ASGIApp:
        async def record(scope: Scope, receive: Receive, send: Send) -> None:
            async def count(message: Message) -> None:
                self.sent += len(message.get("body", b""))
                await send(message)

            headers = dict(scope["headers"])
            body = headers.get(b"content-length", headers.get(b"transfer-encoding", b""))
            self.asked.append(Asked(scope["method"], scope["path"], body.decode()))
            await app(scope, receive, count)

        return record
