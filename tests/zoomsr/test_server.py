"""The server's answers over real connections: headers, caching, and what is not there."""

from __future__ import annotations

import gzip
import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path

import pytest
import uvicorn

from splitsr import ZoomError
from splitsr.zoomsr import server
from splitsr.zoomsr.resources import Resource
from splitsr.zoomsr.server import (
    HEADERS,
    LOOPBACK_NAMES,
    address_of,
    configure,
    listen,
    own_names,
)
from splitsr.zoomsr.site import Site
from tests.docs.markdown import read_blocks
from tests.patience import PATIENCE_S
from tests.zoomsr.conftest import SCRIPT


@contextmanager
def serving(site: Site) -> Iterator[int]:
    """A server in a thread; the whole command is tested in a process of its own."""
    listener = listen("127.0.0.1", 0)
    running = uvicorn.Server(configure(site, names=own_names("127.0.0.1", listener)))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        running.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    with serving(site) as port:
        yield port


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=fields)  # the path goes out as it is
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        (f"/{SCRIPT}", "text/javascript; charset=utf-8"),
        ("/assets/ort.wasm", "application/wasm"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/icons/icon.svg", "image/svg+xml"),
        ("/models/index.json", "application/json"),
        ("/models/splitsr-fast-x4.onnx", "application/octet-stream"),
        ("/models/golden/splitsr-fast-x4.png", "image/png"),
    ],
)
def test_files_have_their_type_and_content(
    port: int, site: Site, path: str, media_type: str
) -> None:
    answer = ask(port, path)
    assert answer.status == 200
    assert answer.headers["content-type"] == media_type
    assert answer.body == site[path[1:] or "index.html"].content


@pytest.mark.parametrize("path", ["/", "/models/index.json", "/nothing", "/%2e%2e/x"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_every_answer_has_the_headers(port: int, path: str, method: str) -> None:
    answer = ask(port, path, method)
    for name, value in HEADERS.items():
        assert answer.headers.get_all(name) == [value]
    assert "server" not in answer.headers


def test_the_page_is_isolated_and_runs_no_script_but_its_own() -> None:
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["connect-src"] == "'self' blob:"
    assert "unsafe-inline" not in HEADERS["Content-Security-Policy"]
    assert HEADERS["Cross-Origin-Opener-Policy"] == "same-origin"
    assert HEADERS["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_the_documents_give_other_hosts_the_same_headers(repo_root: Path) -> None:
    (block,) = [b for b in read_blocks(repo_root / "docs" / "zoomsr.md") if b.mark == "headers"]
    shown = re.findall(r'^add_header (\S+) "(.*)" always;$', block.text, re.M)
    assert dict(shown) == HEADERS


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/models",
        "/models/",
        "/assets/",
        "/.sources",
        "/../pyproject.toml",
        "/assets/../../pyproject.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/models/..%5c..%5cpyproject.toml",
        "/index.html%00.png",
        "/index.html/",
    ],
)
def test_only_the_sites_own_paths_exist(port: int, path: str) -> None:
    answer = ask(port, path)
    assert answer.status == 404
    assert answer.body == b"Not Found"


def test_names_with_a_hash_are_kept_and_others_asked_for(port: int) -> None:
    assert "immutable" in ask(port, f"/{SCRIPT}").headers["cache-control"]
    for path in ("/", "/models/index.json", "/assets/ort.wasm", "/manifest.webmanifest"):
        assert ask(port, path).headers["cache-control"] == "no-cache"


def test_what_is_known_is_not_sent_again(port: int) -> None:
    tag = ask(port, "/models/splitsr-fast-x4.onnx").headers["etag"]
    for known in (tag, f'W/{tag}, "other"', "*"):
        answer = ask(port, "/models/splitsr-fast-x4.onnx", if_none_match=known)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["etag"] == tag
    assert ask(port, "/models/splitsr-fast-x4.onnx", if_none_match='"other"').status == 200


@pytest.mark.parametrize(
    ("path", "accepted", "encoding"),
    [
        ("/assets/ort.wasm", "gzip, deflate, br, zstd", "br"),
        ("/assets/ort.wasm", "gzip;q=1.0, br;q=0", "gzip"),
        ("/assets/ort.wasm", "GZIP , deflate", "gzip"),
        ("/assets/ort.wasm", "gzip;q=0.000", None),
        ("/assets/ort.wasm", "identity", None),
        (f"/{SCRIPT}", "gzip, br", "gzip"),  # the build left none by Brotli beside it
        ("/models/splitsr-fast-x4.onnx", "gzip, br", None),
        ("/models/golden/splitsr-fast-x4.png", "gzip, br", None),
    ],
)
def test_what_a_browser_can_unpack_is_sent_compressed(
    port: int, site: Site, app: Path, path: str, accepted: str, encoding: str | None
) -> None:
    answer, head = (ask(port, path, how, accept_encoding=accepted) for how in ("GET", "HEAD"))
    assert answer.headers["content-encoding"] == head.headers["content-encoding"] == encoding
    assert head.headers["content-length"] == str(len(answer.body))
    if encoding == "br":
        assert answer.body == (app / f"{path[1:]}.br").read_bytes()
    else:
        unpacked = gzip.decompress(answer.body) if encoding else answer.body
        assert unpacked == site[path[1:]].content
    compressible = path.endswith((".wasm", ".js"))
    assert answer.headers["vary"] == ("Accept-Encoding" if compressible else None)


def test_each_form_has_a_tag_of_its_own(port: int) -> None:
    """A cache that holds one must not be told that the other is the same."""
    tags = {
        accepted: ask(port, "/assets/ort.wasm", accept_encoding=accepted).headers["etag"]
        for accepted in ("br", "gzip", "identity")
    }
    assert len(set(tags.values())) == 3
    for accepted, known in product(tags, tags):
        answer = ask(port, "/assets/ort.wasm", accept_encoding=accepted, if_none_match=tags[known])
        assert answer.status == (304 if accepted == known else 200)
        assert answer.headers["vary"] == "Accept-Encoding"


def test_compressed_files_are_no_paths_of_their_own(port: int) -> None:
    assert ask(port, "/assets/ort.wasm.br").status == 404


def test_head_says_what_get_would_send(port: int, site: Site) -> None:
    answer = ask(port, "/models/splitsr-fast-x4.onnx", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    size = len(site["models/splitsr-fast-x4.onnx"].content)
    assert answer.headers["content-length"] == str(size)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LocalHost:80", 200),
        ("127.0.0.1:8017", 200),
        ("[::1]:8017", 200),
        ("evil.example", 421),
        ("evil.example:8017", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost:80:80", 421),
        ("", 421),
    ],
)
def test_a_name_that_was_made_to_lead_here_gets_nothing(port: int, host: str, status: int) -> None:
    answer = ask(port, "/", host=host)
    assert answer.status == status
    assert (b"ZoomSR" in answer.body) == (status == 200)


def test_other_names_are_those_that_the_host_says() -> None:
    with listen("localhost", 0) as here:
        assert own_names("Zoom.test", here) == {*LOOPBACK_NAMES, "zoom.test"}
    with listen("0.0.0.0", 0) as everywhere:
        assert own_names("0.0.0.0", everywhere) is None


def ended(connection: socket.socket, seconds: float = 20) -> bool:
    """Whether the server ends a connection, whatever it says before."""
    connection.settimeout(seconds)
    with suppress(ConnectionError):
        while True:
            try:
                if not connection.recv(65_536):
                    break
            except TimeoutError:
                return False
    return True


@pytest.mark.parametrize("before", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_request_that_never_ends_is_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    """A byte now and then keeps a connection open as long as only silence is timed."""
    monkeypatch.setattr(server, "REQUEST_S", 0.5)
    with (
        serving(site) as port,
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection,
    ):
        connection.sendall(before + b"GET / HTTP/1.1\r\nX: ")
        stop = threading.Event()

        def drip() -> None:
            with suppress(OSError):
                while not stop.wait(0.05):
                    connection.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        assert ended(connection)
        stop.set()
        dripping.join()
        assert ask(port, "/").status == 200


@pytest.mark.parametrize("patience", ["REQUEST_S", "ANSWER_S"])
def test_an_answer_that_nobody_takes_is_given_up_and_a_slow_one_is_not(
    site: Site, monkeypatch: pytest.MonkeyPatch, patience: str
) -> None:
    monkeypatch.setattr(server, patience, 0.5)
    large = {**site, "large": Resource.of("large", bytes(50_000_000))}
    with (
        serving(large) as port,
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection,
    ):
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(2)
        received = 0
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                received += len(part)
        assert (received < 50_000_000) == (patience == "ANSWER_S")
        assert ask(port, "/").status == 200


def test_a_crowd_is_refused_and_goes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 3)
    with serving(site) as port:
        kept = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) for _ in range(3)]
        time.sleep(0.5)  # they are taken in order, but not at once
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as fourth:
            assert ended(fourth)
        kept.pop().close()
        for _ in range(100):
            with suppress(OSError):
                assert ask(port, "/").status == 200
                break
            time.sleep(0.1)
        else:
            raise AssertionError("no place was given free")
        for connection in kept:
            connection.close()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent_to_it(port: int, method: str) -> None:
    assert ask(port, "/", method).status == 405


def test_a_busy_port_is_said_in_one_line() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ZoomError, match=f"port {port}: Address already in use") as caught:
            listen("127.0.0.1", port)
    assert "\n" not in str(caught.value)


def test_by_default_the_next_free_port_is_taken() -> None:
    with listen() as first, listen() as second:
        assert first.getsockname()[1] < second.getsockname()[1]


def test_a_host_that_is_not_this_machines_is_refused() -> None:
    with pytest.raises(ZoomError, match=r"cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_addresses_can_be_opened() -> None:
    with listen("0.0.0.0", 0) as everywhere:
        host = address_of(everywhere).split("/")[2].split(":")[0]
        assert host != "0.0.0.0"
        socket.inet_aton(host)
        assert address_of(everywhere, secure=True).startswith("https://")
