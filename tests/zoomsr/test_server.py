"""The server's answers over real connections: headers, caching, and what is not there."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from splitsr import ZoomError
from splitsr.zoomsr.server import HEADERS, address_of, configure, listen
from splitsr.zoomsr.site import Site
from tests.docs.markdown import read_blocks
from tests.patience import PATIENCE_S
from tests.zoomsr.conftest import SCRIPT


@pytest.fixture(scope="module")
def port(site: Site) -> Iterator[int]:
    """A server in a thread; the whole command is tested in a process of its own."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(configure(site))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(10)
    listener.close()


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


def test_head_says_what_get_would_send(port: int, site: Site) -> None:
    answer = ask(port, "/models/splitsr-fast-x4.onnx", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    size = len(site["models/splitsr-fast-x4.onnx"].content)
    assert answer.headers["content-length"] == str(size)


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
