"""What lies in people's folders: links, pipes, results of earlier calls, other kinds, odd names."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from splitsr.cli.main import cli
from splitsr.cli.options import BadCall
from splitsr.cli.upscale_plan import plan_jobs

Process = subprocess.CompletedProcess[bytes]


@pytest.fixture
def folder(tmp_path: Path, photo: np.ndarray) -> Path:
    """photos/a.png and photos/b.jpg."""
    root = tmp_path / "photos"
    root.mkdir()
    Image.fromarray(photo[:24, :16]).save(root / "a.png")
    Image.fromarray(photo[50:70, 50:80]).save(root / "b.jpg")
    return root


@pytest.fixture
def upscale(tiny_model: Path) -> Callable[..., tuple[int, dict[str, str], list[str]]]:
    """Runs the command; gives its exit code, what became of each input, and the lines."""

    def run(*arguments: object) -> tuple[int, dict[str, str], list[str]]:
        words = ["upscale", "--model", tiny_model, "--threads", 1, "--json", *arguments]
        done = CliRunner().invoke(cli, [str(word) for word in words])
        results = json.loads(done.stdout)["results"]
        statuses = {Path(result["input"]).name: result["status"] for result in results}
        assert len(statuses) == len(results)
        lines = done.stderr.splitlines()
        if len(results) > 1:
            done_of_all = f"wrote {[*statuses.values()].count('done')} of {len(results)} images"
            assert done_of_all in lines.pop()
        return done.exit_code, statuses, lines

    return run


DONE = {"a.png": "done", "b.jpg": "done"}


def test_a_link_to_itself_fails_alone(upscale: Callable[..., object], folder: Path) -> None:
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "gone.jpg").symlink_to("nowhere.jpg")
    code, statuses, lines = upscale(folder)
    assert (code, statuses) == (1, {**DONE, "loop.jpg": "failed", "gone.jpg": "failed"})
    assert len(lines) == 2
    assert "gone.jpg: no such file" in lines[0]
    assert "loop.jpg: cannot be read: Too many levels of symbolic links" in lines[1]


def test_no_pipe_or_socket_of_a_folder_is_waited_for(
    upscale: Callable[..., object], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "pipe.jpg")
    monkeypatch.chdir(folder)  # a socket's path may not be long
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.png")
    for what in (folder, f"{folder}/*.*"):
        code, statuses, lines = upscale(what, "--overwrite")
        assert code == 1
        assert statuses.items() >= {**DONE, "pipe.jpg": "failed", "socket.png": "failed"}.items()
        assert sum("is a pipe, a socket or a device" in line for line in lines) == 2


def test_a_folder_named_like_a_photo_is_a_folder(
    upscale: Callable[..., object], folder: Path
) -> None:
    (folder / "x.jpg").mkdir()
    Image.new("L", (3, 4)).save(folder / "x.jpg" / "c.png")
    assert upscale(folder) == (0, DONE, [])
    assert upscale(folder / "x.jpg") == (0, {"c.png": "done"}, [])


def test_two_names_of_one_file_are_both_done(upscale: Callable[..., object], folder: Path) -> None:
    (folder / "link.png").symlink_to("a.png")
    (folder / "hard.png").hardlink_to(folder / "a.png")
    (folder / "here").symlink_to(".")
    code, statuses, lines = upscale(folder, folder / "here")
    assert (code, statuses, lines) == (0, {**DONE, "link.png": "done", "hard.png": "done"}, [])


@pytest.mark.parametrize("again", [("--scale", 2), ("--format", "webp"), ("--scale", 2.5)])
def test_results_of_an_earlier_call_are_no_inputs(
    upscale: Callable[..., object], folder: Path, again: tuple[object, ...]
) -> None:
    upscale(folder)
    code, statuses, lines = upscale(*sorted(folder.iterdir()), *again)
    assert (code, statuses) == (0, {**DONE, "a_x4.png": "skipped", "b_x4.jpg": "skipped"})
    (line,) = lines
    assert "a_x4.png: left out, it is the result of" in line
    assert "(1 more like it)" in line
    assert len([*folder.iterdir()]) == 6


def test_results_of_every_size_are_no_inputs(upscale: Callable[..., object], folder: Path) -> None:
    for sizes in (
        "--width 40",
        "--height 60",
        "--width 50 --max-side 70",
        "--width 60 --height 80",
    ):
        code, statuses, _ = upscale(folder, *sizes.split())
        enlarged = {name for name, status in statuses.items() if status == "done"}
        assert (code, enlarged) == (0, {"a.png", "b.jpg"})
    assert len([*folder.iterdir()]) == 10


def test_a_name_like_a_results_without_its_photo_is_an_input(
    upscale: Callable[..., object], folder: Path
) -> None:
    (folder / "a.png").rename(folder / "c_x4.png")
    assert upscale(folder) == (0, {"c_x4.png": "done", "b.jpg": "done"}, [])


def test_an_output_that_is_a_link_to_an_input_replaces_none(
    upscale: Callable[..., object], folder: Path
) -> None:
    before = (folder / "b.jpg").read_bytes()
    (folder / "a_x4.png").symlink_to("b.jpg")
    code, statuses, lines = upscale(folder, "--overwrite")
    assert (code, statuses) == (1, {"a.png": "failed", "b.jpg": "done", "a_x4.png": "skipped"})
    assert "is the input" in lines[0]
    assert (folder / "b.jpg").read_bytes() == before


def test_kinds_that_are_not_read_are_counted_in_a_line(
    upscale: Callable[..., object], folder: Path, tmp_path: Path
) -> None:
    for name in ("1.nef", "2.NEF", "3.psd", "notes.txt", ".hidden.nef"):
        (folder / name).write_bytes(b"whatever")
    code, statuses, lines = upscale(folder)
    assert (code, statuses) == (0, DONE)
    (line,) = lines
    assert "skipped, because splitsr cannot read them: 2 NEF, 1 PSD" in line

    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "1.dng").write_bytes(b"whatever")
    code, statuses, lines = upscale(tmp_path / "raw")
    assert (code, statuses) == (1, {"raw": "failed"})
    assert "1 DNG" in " ".join(lines)


def test_a_folder_that_cannot_be_listed_is_said_once(
    upscale: Callable[..., object], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir
    (folder / "closed").mkdir()

    def scan(path: str) -> object:
        if str(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scan)
    closed = folder / "closed"
    code, statuses, lines = upscale(folder, "--recursive")
    assert (code, statuses) == (1, {**DONE, "closed": "failed"})
    assert lines == [f"splitsr: {closed}: cannot be listed: Permission denied"]
    closed = folder
    assert upscale(folder)[2] == [f"splitsr: {folder}: cannot be listed: Permission denied"]


def test_names_are_printed_escaped_and_kept(
    folder: Path, tiny_model: Path, run_splitsr: Callable[..., Process]
) -> None:
    odd = b"new\nline \x1b[31m\xff.png"
    path = folder / os.fsdecode(odd)
    path.write_bytes(b"no picture")
    call = ("upscale", "--model", tiny_model, "--json", folder)
    done = run_splitsr(*call)
    assert done.returncode == 1
    line, _ = done.stderr.splitlines()
    assert rb"new\nline \x1b[31m\udcff.png: not an image" in line
    found = json.loads(done.stdout)["results"]
    assert found[-1]["input"] == str(path)
    assert {result["status"] for result in found[:-1]} == {"done"}

    wrong = run_splitsr("upscale", folder / "a.png", "-o", "\x1b[2J\n.xyz")
    assert (wrong.returncode, wrong.stderr.count(b"\n"), wrong.stderr.count(b"\x1b")) == (2, 1, 0)


def test_a_stream_has_no_name_of_its_own(tmp_path: Path, folder: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    for text in (str(pipe), "/dev/fd/63", "/proc/123/fd/4", "/dev/stdin", "-"):
        (job,) = plan_jobs((text,), None, name="{stem}_x4").jobs
        assert job.source == (None if text in ("-", "/dev/stdin") else Path(text))
        assert (job.target, job.output_format) == (None, None)
        (job,) = plan_jobs((text,), str(tmp_path / "out.jpg"), name="{stem}_x4").jobs
        assert (job.target, job.output_format) == (tmp_path / "out.jpg", "JPEG")
        with pytest.raises(BadCall, match="has no name"):
            plan_jobs((text,), f"{tmp_path}/", name="{stem}_x4")
    plan = plan_jobs((str(pipe), str(folder)), None, name="{stem}_x4")
    assert (len(plan.jobs), len(plan.problems)) == (2, 1)
    (job,) = plan_jobs((str(folder / "a.png"),), "/dev/stdout", name="{stem}_x4").jobs
    assert (job.target, job.output_format) == (None, "PNG")


@pytest.mark.parametrize("spelling", ["pipe", "/dev/stdin", "<(cat)"])
def test_a_pipe_is_read_once(folder: Path, tiny_model: Path, tmp_path: Path, spelling: str) -> None:
    content = (folder / "b.jpg").read_bytes()
    pipe, out = tmp_path / "pipe", tmp_path / "out.png"
    os.mkfifo(pipe)
    if spelling == "pipe":
        threading.Thread(target=pipe.write_bytes, args=(content,), daemon=True).start()
        spelling = str(pipe)
    elif spelling != "/dev/stdin":
        spelling = f"<(cat {folder}/b.jpg)"
    program = f"{sys.executable} -c 'from splitsr.cli.main import main; main()' upscale"
    words = f"{program} {spelling} --model {tiny_model} -o {out}"
    done = subprocess.run(
        ["bash", "-c", words], input=content, capture_output=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    with Image.open(out) as image:
        assert image.size == (120, 80)


def test_jpg_is_jpeg(upscale: Callable[..., object], folder: Path) -> None:
    assert upscale(folder / "a.png", "--format", "jpg")[0] == 0
    assert upscale(folder / "b.jpg", "--format", "tif")[0] == 0
    with Image.open(folder / "a_x4.jpg") as jpeg, Image.open(folder / "b_x4.tif") as tiff:
        assert (jpeg.format, tiff.format) == ("JPEG", "TIFF")


def test_results_are_as_private_as_the_photos(upscale: Callable[..., object], folder: Path) -> None:
    (folder / "a.png").chmod(0o600)
    (folder / "b.jpg").chmod(0o604)
    upscale(folder)
    modes = [(folder / name).stat().st_mode & 0o777 for name in ("a_x4.png", "b_x4.jpg")]
    assert modes == [0o600, 0o604]


def test_a_web_address_is_no_file(upscale: Callable[..., object]) -> None:
    code, _, lines = upscale("https://example.com/a.jpg")
    assert code == 1
    assert lines == ["splitsr: https://example.com/a.jpg: is a web address; download it first"]


def test_a_quality_that_no_format_has_is_told(upscale: Callable[..., object], folder: Path) -> None:
    assert upscale(folder, "--quality", 50)[2] == []  # one of them becomes a JPEG
    _, _, lines = upscale(folder, "--quality", 50, "--format", "tiff")
    assert "--quality has no effect here" in lines[0]
