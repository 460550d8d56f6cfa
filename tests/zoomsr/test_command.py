"""`splitsr zoom` in a process of its own."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from splitsr.cli.zoom import command
from splitsr.zoomsr.server import HEADERS, listen
from tests.patience import PATIENCE_S

PROGRAM = """
import sys
from pathlib import Path
from splitsr.cli.main import main
from splitsr.zoomsr import folders
photos = folders.photos_folder()
folders.photos_folder = lambda: photos
folders._PACKAGE = folders._CHECKOUT = Path(sys.argv.pop(1))
main()
"""


@contextmanager
def running(app: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command over an app's folder, and the first line that it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(app.parent), "zoom", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def url_of(line: str) -> str:
    return next(word for word in line.split() if word.startswith("http"))


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_quietly(app: Path, by: signal.Signals) -> None:
    with running(app, "--port", "0") as (process, line):
        assert line.startswith("ZoomSR: http://127.0.0.1:")
        with urllib.request.urlopen(url_of(line), timeout=PATIENCE_S) as answer:
            assert answer.read() == (app / "index.html").read_bytes()
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        process.send_signal(by)
        rest = process.communicate(timeout=PATIENCE_S)
        assert rest == ("", "")
        assert process.returncode == (0 if by == signal.SIGINT else -signal.SIGTERM)


def test_it_warns_that_it_listens_beyond_this_machine(app: Path) -> None:
    with running(app, "--port", "0", "--host", "0.0.0.0") as (process, line):
        port = url_of(line).rstrip("/").rpartition(":")[2]
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": "my.lan"})
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert errors.startswith("splitsr: --host 0.0.0.0: whoever reaches http://")
    assert errors.count("\n") == 1


def test_it_serves_over_https(app: Path, tmp_path: Path) -> None:
    names = ["/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", *names]
    where = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "chain.pem")]
    subprocess.run([*made, *where], check=True, capture_output=True)
    files = ["--certificate", str(tmp_path / "chain.pem"), "--key", str(tmp_path / "key.pem")]
    with running(app, "--port", "0", *files) as (_, line):
        context = ssl.create_default_context(cafile=str(tmp_path / "chain.pem"))
        with urllib.request.urlopen(url_of(line), context=context, timeout=PATIENCE_S) as answer:
            assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_a_certificate_that_is_none_is_one_line(app: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "chain.pem"
    wrong.write_text("no certificate")
    files = ["--certificate", str(wrong), "--key", str(wrong)]
    with running(app, "--port", "0", *files) as (process, line):
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1
        assert errors.startswith(f"splitsr: {wrong}: cannot be used")
        assert errors.count("\n") == 1
        assert line == ""


def test_a_busy_port_is_one_line(app: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        with running(app, "--port", port) as (process, line):
            _, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, line) == (1, "")
    assert errors.startswith(f"splitsr: cannot listen on 127.0.0.1, port {port}: Address already")
    assert errors.count("\n") == 1


def test_the_browser_is_opened_at_the_address(app: Path, tmp_path: Path) -> None:
    browser, told = tmp_path / "browser", tmp_path / "told"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {told}\n')
    browser.chmod(0o755)
    environment = {**os.environ, "BROWSER": str(browser)}
    arguments = [sys.executable, "-c", PROGRAM, str(app.parent), "zoom", "--port", "0", "--open"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = url_of(process.stdout.readline())
        urllib.request.urlopen(url, timeout=PATIENCE_S).close()  # it is up only after the browser
        process.send_signal(signal.SIGINT)
    assert told.read_text() == url


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    (tmp_path / "chain.pem").write_text("")
    result = CliRunner().invoke(command, ["--certificate", str(tmp_path / "chain.pem")])
    assert result.exit_code == 2
    assert "give both, or none" in result.stderr


def test_without_the_app_it_says_how_to_get_it(tmp_path: Path) -> None:
    with running(tmp_path / "app") as (process, line):
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, line) == (1, "")
    assert "npm ci && npm run build" in errors
    assert errors.count("\n") == 1


def test_neither_serving_nor_exporting_loads_torch(app: Path, tmp_path: Path) -> None:
    program = PROGRAM.replace(
        "main()\n",
        "try:\n    main()\nfinally:\n"
        "    print({'torch', 'onnx', 'rich', 'scipy'} & {n.split('.')[0] for n in sys.modules})\n",
    )
    call = [
        sys.executable,
        "-c",
        program,
        str(app.parent),
        "zoom",
        "--export",
        str(tmp_path / "out"),
    ]
    shown = subprocess.run(call, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert shown.stdout == "set()\n"
    assert "files" in shown.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [("--overwrite", b"--overwrite needs --export"), ("--export x --open", b"leave out --export")],
)
def test_options_that_do_not_go_together(
    words: str, message: bytes, call_splitsr: Callable[..., subprocess.CompletedProcess[bytes]]
) -> None:
    done = call_splitsr("zoom", *words.split())
    assert done.returncode == 2
    assert message in done.stderr
