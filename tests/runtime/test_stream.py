"""Photos that stream: the same pixels, in bounded memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsr.imaging.files import Photo, read_photo, write_photo
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.runtime.tile_plan import AUTO_TILE_BYTES, BAND_VALUES, auto_tiles, engine_bytes
from splitsr.runtime.tile_runner import plan_for, run_tiled
from splitsr.runtime.upscale_file import stream_photo, upscale
from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo.catalogue import find_model
from tests.patience import PATIENCE_S

CHILD = """
import sys
from pathlib import Path
from splitsr.cli.main import cli
from splitsr.benchmark.memory import peak_rss_mb
cli.main(sys.argv[2:], standalone_mode=False)
Path(sys.argv[1]).write_text(str(peak_rss_mb()))
"""


@pytest.mark.parametrize("scale", [1, 2.3, 4, 5.5])
@pytest.mark.parametrize("kind", ["rgb", "gray", "rgba", "opaque", "deep"])
def test_streamed_pixels_are_the_pixels(
    tiny_model: Path, photo: np.ndarray, scale: float, kind: str
) -> None:
    color = photo[30:91, 40:93]
    alpha = None
    if kind == "gray":
        color = color[:, :, :1]
    elif kind == "deep":
        color = color.astype(np.uint16) * 257
    elif kind != "rgb":
        alpha = np.full(color.shape[:2], 255, np.uint8)
        alpha[10:30] = 255 if kind == "opaque" else 0
    source = Photo(color, alpha)
    whole = Upscaler(tiny_model, tile=10_000, threads=1).enlarge(source, scale)

    streamed, _ = stream_photo(Upscaler(tiny_model, tile=16, threads=2), source, scale)

    assert (streamed.height, streamed.width) == (whole.height, whole.width)
    found = streamed.color.gather()
    difference = np.abs(found.astype(int) - whole.color)
    assert found.dtype == whole.color.dtype
    assert difference.max() <= (1 if color.dtype == np.uint8 else 2)
    if color.dtype == np.uint8:
        assert np.count_nonzero(difference) < max(1e-5 * difference.size, 1)
    assert (streamed.alpha is None) == (alpha is None)
    if streamed.alpha is not None:
        np.testing.assert_array_equal(streamed.alpha.gather()[:, :, 0], whole.alpha)


def test_lanes_make_no_difference(photo: np.ndarray) -> None:
    """The network as it ships, divided into two and on one thread."""
    content = find_model("splitsr-fast-x4").read()
    one, two = OnnxEngine(content, 1), OnnxEngine(content, 2)
    assert (one.lanes, two.lanes) == (1, 2)
    assert one.lane() is one
    assert two.lane() is two.lane() is not two
    tiles = plan_for(one, 100, 90, 40)

    np.testing.assert_array_equal(
        run_tiled(one, photo[:100, :90], tiles), run_tiled(two, photo[:100, :90], tiles)
    )


@pytest.mark.parametrize("size", [(300, 300), (3000, 4000), (500, 40_000), (8160, 12_256)])
@pytest.mark.parametrize("lanes", [1, 2])
def test_automatic_tiles_bound_memory(size: tuple[int, int], lanes: int) -> None:
    spec = find_model("splitsr-balanced-x4").spec
    tiles = auto_tiles(spec, *size, lanes)

    windows = {tile.window_pixels for tile in tiles}
    assert len(windows) == 1
    at_once = lanes if len(tiles) > 1 else 1
    assert at_once * windows.pop() * engine_bytes(spec) <= AUTO_TILE_BYTES
    if len(tiles) > 1:
        band = max(tile.rows.core_length for tile in tiles) * size[1] * 3 * spec.scale**2
        border = 2 * spec.receptive_radius * size[1] * 3 * spec.scale**2  # of the first and last
        assert band <= BAND_VALUES + border


@pytest.fixture(scope="module")
def large_photo(tmp_path_factory: pytest.TempPathFactory, photo: np.ndarray) -> Path:
    path = tmp_path_factory.mktemp("large") / "photo.jpg"
    Image.fromarray(photo).resize((2000, 1600)).save(path, quality=90)
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_memory_is_bounded(
    tiny_model: Path, large_photo: Path, tmp_path: Path, suffix: str
) -> None:
    """The result alone is 154 MB; a process that holds it needs 2 to 4 times as much."""
    peaks = {}
    small = tmp_path / "small.jpg"
    Image.open(large_photo).crop((0, 0, 64, 64)).save(small)
    for name, source in (("small", small), ("large", large_photo)):
        answer, target = tmp_path / "peak", tmp_path / f"{name}_x4.{suffix}"
        words = ["upscale", source, "-o", target, "--model", tiny_model, "--tile", 64]
        call = [sys.executable, "-c", CHILD, answer, *words, "--threads", 2]
        subprocess.run(list(map(str, call)), check=True, timeout=PATIENCE_S)
        peaks[name] = float(answer.read_text()) * 2**20 / 1e6

    with Image.open(target) as image:
        assert image.size == (8000, 6400)
    assert peaks["large"] - peaks["small"] < 120


def test_a_tiff_streams_from_end_to_end(
    tiny_model: Path, tmp_path: Path, photo: np.ndarray
) -> None:
    source, target = tmp_path / "photo.tif", tmp_path / "larger.tif"
    write_photo(Photo(np.tile(photo, (2, 2, 1))), source)

    upscale(source, target, model=tiny_model, scale=1.5, tile=200)

    whole = Upscaler(tiny_model, tile=200).enlarge(read_photo(source), 1.5)
    np.testing.assert_array_equal(read_photo(target).color, whole.color)
