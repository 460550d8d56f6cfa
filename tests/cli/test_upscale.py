from __future__ import annotations

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from splitsr.cli.main import cli
from tests.patience import PATIENCE_S

Process = subprocess.CompletedProcess[bytes]
MAIN = [sys.executable, "-c", "from splitsr.cli.main import main; main()"]


@pytest.fixture
def upscale(tiny_model: Path) -> Callable[..., Result]:
    """Runs `splitsr upscale --model tiny` in this process."""

    def run(*arguments: object, **options: object) -> Result:
        words = ["upscale", "--model", tiny_model, "--threads", 1, *arguments]
        return CliRunner().invoke(cli, [str(word) for word in words], **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def folder(tmp_path: Path, photo: np.ndarray) -> Path:
    """photos/a.png, photos/b.jpg, photos/sub/c.png, and a text file."""
    root = tmp_path / "photos"
    (root / "sub").mkdir(parents=True)
    Image.fromarray(photo[:24, :16]).save(root / "a.png")
    Image.fromarray(photo[50:70, 50:80]).save(root / "b.jpg")
    Image.fromarray(photo[90:100, 90:99, 0]).save(root / "sub" / "c.png")
    (root / "notes.txt").write_text("no image")
    return root


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def one_line(result: Result) -> str:
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_file_is_enlarged_beside_itself(upscale: Callable[..., Result], folder: Path) -> None:
    result = upscale(folder / "a.png")

    assert (result.exit_code, result.output) == (0, "")
    assert size(folder / "a_x4.png") == (64, 96)


def test_a_scale_is_in_the_name(upscale: Callable[..., Result], folder: Path) -> None:
    assert upscale(folder / "b.jpg", "--scale", 2.5, "--format", "webp").exit_code == 0
    assert size(folder / "b_x2.5.webp") == (75, 50)


def test_a_folder_alone_or_with_what_is_below(
    upscale: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    assert upscale(folder, "-o", tmp_path / "flat").exit_code == 0
    assert names(tmp_path / "flat") == ["a_x4.png", "b_x4.jpg"]

    assert upscale(folder, "-o", tmp_path / "tree", "--recursive").exit_code == 0
    assert names(tmp_path / "tree") == ["a_x4.png", "b_x4.jpg", "sub/c_x4.png"]
    with Image.open(tmp_path / "tree" / "sub" / "c_x4.png") as image:
        assert image.mode == "L"  # gray stays gray


def test_results_below_the_input_are_no_inputs(
    upscale: Callable[..., Result], folder: Path
) -> None:
    out = folder / "sub" / "larger"
    assert upscale(folder, "-o", out, "--recursive").exit_code == 0
    again = upscale(folder, "-o", out, "--recursive", "--scale", 2, "--json")

    assert len(json.loads(again.stdout)["results"]) == 3
    assert len(names(out)) == 6


def test_a_pattern_that_the_shell_left_alone(
    upscale: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    assert upscale(f"{folder}/**/*.png", "-o", tmp_path / "out").exit_code == 0
    assert names(tmp_path / "out") == ["a_x4.png", "c_x4.png"]

    result = upscale(f"{folder}/*.tif")
    assert result.exit_code == 1
    assert one_line(result).endswith("*.tif: no image has a name like this")


def test_json_tells_what_became_of_each(upscale: Callable[..., Result], folder: Path) -> None:
    result = upscale(folder / "a.png", folder / "missing.png", "--scale", 2, "--json")

    assert result.exit_code == 1
    done, failed = json.loads(result.stdout)["results"]
    assert done["input"] == str(folder / "a.png")
    assert done["output"] == str(folder / "a_x2.png")
    assert (done["status"], done["model"], done["scale"]) == ("done", "tiny-x4", 2)
    assert (done["size_in"], done["size_out"], done["error"]) == ([24, 16], [48, 32], None)
    assert done["seconds"] > 0
    assert failed["status"] == "failed"
    assert "no such file" in failed["error"]


def test_json_tells_how_strongly_a_photo_was_restored(
    upscale: Callable[..., Result], restoring_model: Path, folder: Path, photo: np.ndarray
) -> None:
    Image.fromarray(photo[50:114, 50:80]).save(folder / "c.jpg", quality=10)
    sources = [folder / "a.png", folder / "c.jpg"]
    written = []
    for index, words in enumerate(([], ["--restore", "0.3"], ["--restore", "off"])):
        out = folder / f"out{index}"
        result = upscale(*sources, "--model", restoring_model, "-o", out, "--json", *words)
        assert result.exit_code == 0, result.stderr
        found = json.loads(result.stdout)["results"]
        written.append([(one["restore"], one["restore_reason"]) for one in found])
    assert written[0][0] == (0, "lossless file")
    assert written[0][1][0] == 1
    assert written[0][1][1].startswith("JPEG quality 10, noise ")
    assert written[1:] == [[(0.3, "asked for")] * 2, [(0, "asked for")] * 2]
    png, jpeg = (
        [(folder / f"out{i}" / name).read_bytes() for i in range(3)]
        for name in ("a_x4.png", "c_x4.jpg")
    )
    assert png[0] == png[2] != png[1]
    assert len(set(jpeg)) == 3


def test_a_strength_without_a_twin_is_a_wrong_call(
    upscale: Callable[..., Result], folder: Path
) -> None:
    result = upscale(folder / "a.png", "--restore", "0.5")
    assert result.exit_code == 2
    assert "tiny-x4: has no twin for degraded images (tiny-restore-x4)" in one_line(result)


def test_int8_without_a_twin_stays_clean_and_says_so(
    upscale: Callable[..., Result], int8_model: Path, folder: Path
) -> None:
    int8_model.with_name("tiny-restore-x4.onnx").unlink()
    result = upscale(folder / "a.png", "--model", int8_model, "--restore", "0.75", "--json")
    assert result.exit_code == 0
    assert one_line(result) == "splitsr: --restore 0.75: asked for, but in int8 it has no twin"
    [found] = json.loads(result.stdout)["results"]
    assert found["restore"] == 0


def test_a_second_run_leaves_its_own_results_alone(
    upscale: Callable[..., Result], folder: Path
) -> None:
    upscale(folder)
    before = (folder / "a_x4.png").stat().st_mtime_ns

    refused = upscale(folder)
    assert refused.exit_code == 1
    assert "a_x4.png: already exists" in refused.stderr

    skipped = upscale(folder, "--skip-existing", "--json")
    assert skipped.exit_code == 0
    assert {result["status"] for result in json.loads(skipped.stdout)["results"]} == {"skipped"}
    assert (folder / "a_x4.png").stat().st_mtime_ns == before

    replaced = upscale(folder, "--overwrite")
    assert replaced.exit_code == 0
    assert "a_x4.png: left out, it is the result of" in replaced.stderr
    assert (folder / "a_x4.png").stat().st_mtime_ns > before
    assert names(folder) == ["a.png", "a_x4.png", "b.jpg", "b_x4.jpg", "notes.txt", "sub/c.png"]


def test_a_result_can_be_enlarged_again_alone(upscale: Callable[..., Result], folder: Path) -> None:
    upscale(folder / "a.png", "--scale", 2)
    assert upscale(folder / "a_x2.png", "--scale", 2).exit_code == 0
    assert size(folder / "a_x2_x2.png") == (64, 96)


def test_an_input_given_twice_is_done_once(upscale: Callable[..., Result], folder: Path) -> None:
    result = upscale(folder / "a.png", folder, folder / "sub" / ".." / "a.png", "--json")
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["results"]) == 2


def test_two_inputs_for_one_output_fail_and_no_other(
    upscale: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    Image.new("L", (4, 4)).save(folder / "sub" / "a.png")

    result = upscale(folder, folder / "sub", "-o", tmp_path / "out", "--json")

    assert result.exit_code == 1
    statuses = [result["status"] for result in json.loads(result.stdout)["results"]]
    assert statuses == ["failed", "failed", "done", "done"]
    *lines, summary = result.stderr.splitlines()
    assert summary == f"splitsr: wrote 2 of 4 images to {tmp_path / 'out'}, 2 failed"
    assert len(lines) == 2
    assert all(f"would be written to {tmp_path / 'out' / 'a_x4.png'} too" in line for line in lines)
    assert names(tmp_path / "out") == ["b_x4.jpg", "c_x4.png"]


@pytest.mark.parametrize("spelling", ["a.png", "sub/../a.png", "link.png"])
def test_an_input_is_never_its_own_output(
    upscale: Callable[..., Result], folder: Path, spelling: str
) -> None:
    (folder / "link.png").symlink_to(folder / "a.png")
    before = (folder / "a.png").read_bytes()

    result = upscale(folder / "a.png", "-o", folder / spelling, "--overwrite")

    assert result.exit_code == 2
    assert "would be its own output" in one_line(result)
    assert (folder / "a.png").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "out.png", "a.png", "b.jpg"], "several images need a folder"),
        (["-o", "-", "a.png", "b.jpg"], "several images need a folder"),
        (["-o", "out.xyz", "a.png"], "cannot be written"),
        (["-o", "out.bmp", "a.png", "--format", "png"], "cannot be written"),
        (["-o", "out.png", "a.png", "--format", "jpeg"], "its ending says PNG"),
        (["-o", "-", "a.png", "--json"], "would both go to standard output"),
        (["-", "a.png"], "give it alone"),
        (["-", "-o", "sub"], "has no name"),
    ],
)
def test_a_wrong_call_is_one_line(
    upscale: Callable[..., Result],
    folder: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    before = names(folder)
    result = upscale(*arguments)
    assert result.exit_code == 2
    assert message in one_line(result)
    assert names(folder) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scale", "0.5"],
        ["--scale", "nan"],
        ["--tile", "0"],
        ["--tile", "large"],
        ["--threads", "0"],
        ["--quality", "101"],
        ["--format", "gif"],
        ["--max-pixels", "0"],
        ["--restore", "nan"],
        ["--restore", "1.01"],
        ["--restore", "strong"],
        ["--skip-existing", "--overwrite"],
    ],
)
def test_impossible_options_are_a_wrong_call(
    upscale: Callable[..., Result], folder: Path, arguments: list[str]
) -> None:
    result = upscale(folder / "a.png", *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.stderr
    assert "Traceback" not in result.stderr


def test_no_input_is_a_wrong_call(upscale: Callable[..., Result]) -> None:
    assert upscale().exit_code == 2


def test_an_ending_that_says_nothing_takes_the_format(
    upscale: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    assert upscale(folder / "a.png", "-o", tmp_path / "out.dat", "--format", "jpeg").exit_code == 0
    with Image.open(tmp_path / "out.dat") as image:
        assert image.format == "JPEG"


def test_a_device_is_no_folder(upscale: Callable[..., Result], folder: Path) -> None:
    assert upscale(folder / "a.png", "-o", "/dev/null", "--format", "png").exit_code == 0
    assert "no ending says which format" in one_line(upscale(folder / "a.png", "-o", "/dev/null"))


def test_an_ending_that_says_nothing_hides_no_input(
    upscale: Callable[..., Result], folder: Path
) -> None:
    copy = (folder / "a.png").rename(folder / "a.dat")
    result = upscale(copy, "-o", copy, "--format", "png", "--overwrite")
    assert result.exit_code == 2
    assert "would be its own output" in one_line(result)


def test_a_wrong_ending_gives_way_to_the_content(
    upscale: Callable[..., Result], folder: Path, photo: np.ndarray
) -> None:
    clear = Image.fromarray(photo[:10, :12])
    clear.putalpha(77)
    clear.save(folder / "clear.jpg", "PNG")
    clear.save(folder / "gif.png", "GIF")
    assert upscale(folder / "clear.jpg", folder / "gif.png", "-o", folder / "out").exit_code == 0
    assert names(folder / "out") == ["clear_x4.png", "gif_x4.png"]
    with Image.open(folder / "out" / "clear_x4.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGBA", (48, 40))


def test_what_cannot_be_written_becomes_png(upscale: Callable[..., Result], folder: Path) -> None:
    Image.new("RGB", (5, 4)).save(folder / "old.bmp")
    assert upscale(folder / "old.bmp").exit_code == 0
    assert size(folder / "old_x4.png") == (20, 16)


def test_bad_files_do_not_stop_the_others(
    upscale: Callable[..., Result], folder: Path, tmp_path: Path, photo: np.ndarray
) -> None:
    (folder / "empty.png").write_bytes(b"")
    (folder / "fake.jpg").write_bytes(b"this is no JPEG at all")
    whole = io.BytesIO()
    Image.fromarray(photo).save(whole, "PNG")
    (folder / "cut.png").write_bytes(whole.getvalue()[:-2000])
    (folder / "huge.png").write_bytes(whole.getvalue())
    out = tmp_path / "out"

    result = upscale(folder, folder / "missing.png", "-o", out, "--max-pixels", 10_000)

    assert result.exit_code == 1
    *lines, summary = result.stderr.splitlines()
    assert summary == f"splitsr: wrote 2 of 7 images to {out}, 5 failed"
    assert len(lines) == 5
    for name in ("empty.png", "fake.jpg", "cut.png", "huge.png", "missing.png"):
        assert sum(f"{name}: " in line for line in lines) == 1
    assert names(out) == ["a_x4.png", "b_x4.jpg"]


def test_a_folder_without_images(upscale: Callable[..., Result], tmp_path: Path) -> None:
    result = upscale(tmp_path)
    assert result.exit_code == 1
    assert "no image in this folder" in one_line(result)


@pytest.mark.parametrize("shape", [(1, 1), (1, 60_000)])
def test_extreme_shapes(
    upscale: Callable[..., Result], tmp_path: Path, shape: tuple[int, int]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "line.png")

    assert upscale(tmp_path / "line.png").exit_code == 0
    assert size(tmp_path / "line_x4.png") == (4 * shape[1], 4 * shape[0])


def test_a_result_too_long_for_its_format_is_refused(
    upscale: Callable[..., Result], tmp_path: Path
) -> None:
    Image.new("L", (20_000, 1)).save(tmp_path / "line.jpg")
    result = upscale(tmp_path / "line.jpg")
    assert result.exit_code == 1
    assert "line.jpg: JPEG holds at most 65500 pixels a side" in one_line(result)
    assert names(tmp_path) == ["line.jpg"]


def test_an_output_folder_that_cannot_be_made(
    upscale: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    result = upscale(folder / "a.png", "-o", tmp_path / "file" / "below")
    assert result.exit_code == 1
    assert "the folder cannot be created" in one_line(result)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_that_is_not_writable(
    upscale: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    result = upscale(folder / "a.png", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "not writable" in one_line(result)


def test_tiles_of_a_global_network_come_with_a_warning(
    folder: Path, tmp_path: Path, make_model: Callable[..., Path], tiny_spec: object
) -> None:
    import msgspec

    spec = msgspec.structs.replace(tiny_spec, hybrid_index=0, channel_attention=True, reduction=4)
    model = make_model(tmp_path / "attention.onnx", spec)
    words = ["upscale", str(folder / "a.png"), "--model", str(model), "--tile", "8"]

    result = CliRunner().invoke(cli, words)

    assert result.exit_code == 0
    assert "tiles may differ in tone" in one_line(result)


def test_an_unknown_model_is_one_line(run_splitsr: Callable[..., Process], folder: Path) -> None:
    result = run_splitsr("upscale", folder / "a.png", "--model", "splitsr-balancd-x4")
    assert result.returncode == 2
    assert result.stderr.count(b"\n") == 1
    assert b"no model 'splitsr-balancd-x4'" in result.stderr


def test_standard_input_to_standard_output(
    run_splitsr: Callable[..., Process], folder: Path, tiny_model: Path, tmp_path: Path
) -> None:
    content = (folder / "b.jpg").read_bytes()

    result = run_splitsr("upscale", "-", "--model", tiny_model, input=content)
    with Image.open(io.BytesIO(result.stdout)) as image:
        assert (image.format, image.size, result.stderr) == ("JPEG", (120, 80), b"")

    to_file = run_splitsr(
        "upscale", "-", "-o", tmp_path / "out.png", "--model", tiny_model, input=content
    )
    assert (to_file.returncode, to_file.stdout) == (0, b"")
    assert size(tmp_path / "out.png") == (120, 80)

    from_file = run_splitsr("upscale", folder / "a.png", "-o", "-", "--model", tiny_model)
    with Image.open(io.BytesIO(from_file.stdout)) as image:
        assert (image.format, image.size) == ("PNG", (64, 96))

    nothing = run_splitsr("upscale", "-", "--model", tiny_model, input=b"")
    assert (nothing.returncode, nothing.stdout) == (1, b"")
    assert nothing.stderr.count(b"\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_standard_output_that_is_full(folder: Path, tiny_model: Path) -> None:
    words = ["upscale", str(folder / "a.png"), "-o", "-", "--model", str(tiny_model)]
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [*MAIN, *words], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False
        )
    assert result.returncode == 1
    assert result.stderr.count(b"\n") == 1
    assert b"No space left" in result.stderr


def test_a_disk_that_fills_up(folder: Path, tiny_model: Path, photo: np.ndarray) -> None:
    """A limit on the size of files fails in the middle of a write, as a full disk does."""
    Image.fromarray(photo[:100, :100]).save(folder / "large.png")
    words = ["upscale", folder / "large.png", folder / "a.png", "--model", tiny_model]
    result = subprocess.run(
        ["bash", "-c", 'ulimit -f 40; exec "$@"', "bash", *MAIN, *map(str, words)],
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert result.returncode == 1
    cause, summary = result.stderr.splitlines()
    assert cause.endswith(b"large_x4.png: cannot be written: File too large")
    assert summary == b"splitsr: wrote 1 of 2 images, 1 failed"
    assert [path.name for path in folder.glob(".*")] == []
    assert not (folder / "large_x4.png").exists()
    assert size(folder / "a_x4.png") == (64, 96)


def test_ctrl_c_leaves_whole_files_only(
    folder: Path, tiny_model: Path, photo: np.ndarray, tmp_path: Path
) -> None:
    Image.fromarray(np.tile(photo, (2, 2, 1))).save(folder / "large.png")
    out = tmp_path / "out"
    words = [folder / "a.png", folder / "large.png", "-o", f"{out}/", "--model", tiny_model]
    with subprocess.Popen(
        [*MAIN, "upscale", "--tile", "4", "--json", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not (out / "a_x4.png").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()

    assert process.returncode == 130
    assert stderr == b"splitsr: interrupted; 1 of 2 images done\n"
    assert [result["status"] for result in json.loads(stdout)["results"]] == ["done"]
    assert names(out) == ["a_x4.png"]


def test_a_terminal_sees_progress(folder: Path, tiny_model: Path) -> None:
    shown, code = _in_terminal("upscale", str(folder), "--model", str(tiny_model))
    assert code == 0
    for part in ("2/2", "b.jpg", "tile 1/1", "MP/s"):
        assert part in shown


def test_a_terminal_is_told_of_a_single_image(folder: Path, tiny_model: Path) -> None:
    long = folder / f"{'a' * 50}-the-end.png"
    (folder / "a.png").rename(long)
    shown, code = _in_terminal("upscale", str(long), "--model", str(tiny_model))
    assert code == 0
    with Image.open(folder / f"{long.stem}_x4.png") as image:
        size = f"{image.width}x{image.height}"
    assert f"wrote {folder}/{long.stem}_x4.png ({size})" in shown
    assert f"{'a' * 14}…" in shown  # beside the bar there is room for so much of a name


def _in_terminal(*arguments: str) -> tuple[str, int]:
    """What a terminal shows of a call, and its exit code."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "150"}
    with subprocess.Popen([*MAIN, *arguments], stderr=follower, env=environment) as process:
        os.close(follower)
        shown = b""
        # At the end of the other side, Linux raises and others return nothing.
        while chunk := _read_or_nothing(leader):
            shown += chunk
    os.close(leader)
    return shown.decode(), process.returncode


def _read_or_nothing(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""


def test_neither_help_nor_upscaling_loads_torch(folder: Path, tiny_model: Path) -> None:
    program = (
        "import sys\n"
        "from splitsr.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'onnx', 'rich'} & {name.split('.')[0] for name in sys.modules}\n"
        "assert not heavy, heavy\n"
        "assert ('onnxruntime' in sys.modules) == (len(sys.argv) > 2)\n"
    )
    for arguments in (["--help"], ["upscale", str(folder), "--model", str(tiny_model)]):
        result = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert result.returncode == 0, result.stderr.decode()


def test_every_example_of_the_help_is_a_right_call(
    upscale: Callable[..., Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    Image.new("RGB", (1200, 800)).save("photo.jpg")
    Image.new("RGB", (6, 5)).save("photo.png")
    text = CliRunner().invoke(cli, ["upscale", "--help"]).output
    examples = [
        line.split() for line in text.splitlines() if line.startswith("    splitsr upscale")
    ]
    here = [example for example in examples if "ray" not in example]  # test_upscale_ray has those
    assert (len(examples), len(here)) == (5, 4)
    for example in here:
        result = upscale(*example[2:])
        assert result.exit_code == 0, result.output
    assert size(Path("poster.webp")) == (36, 30)
    assert size(Path("wallpaper.jpg")) == (3240, 2160)


def test_int8_is_asked_for_by_its_precision_or_its_name(
    call_splitsr: Callable[..., subprocess.CompletedProcess[bytes]],
    tmp_path: Path,
    tiny_model: Path,
    photo: np.ndarray,
) -> None:
    Image.fromarray(photo[:40, :48]).save(tmp_path / "a.png")
    call = ("upscale", tmp_path / "a.png", "--model")
    fast = (*call, "splitsr-fast", "--precision", "int8", "-o", tmp_path / "b.png", "--json")
    result = call_splitsr(*fast)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["results"][0]["model"] == "splitsr-fast-x4-int8"
    result = call_splitsr(*call, "splitsr-fast-x4-int8", "-o", tmp_path / "c.png")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "b.png").read_bytes() == (tmp_path / "c.png").read_bytes()
    result = call_splitsr(*call, tiny_model, "--precision", "int8")
    assert result.returncode == 2
    assert b"does not apply to model files" in result.stderr


def test_bfloat16_is_asked_for_as_int8_is(
    upscale: Callable[..., Result], tiny_model: Path, folder: Path
) -> None:
    pytest.importorskip("openvino")
    pictures = []
    for precision in ("fp32", "bf16"):
        target = folder / f"{precision}.png"
        options = ("--model", tiny_model, "--precision", precision, "-o", target)
        result = upscale(folder / "a.png", *options)
        if "no bfloat16 instructions" in result.stderr:
            pytest.skip(result.stderr)
        assert result.exit_code == 0, result.stderr
        pictures.append(np.asarray(Image.open(target)).astype(int))
    difference = np.abs(pictures[0] - pictures[1])
    assert 0 < difference.mean() < 1
