from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from splitsr.errors import ImageTooLargeError, UnsupportedImageError, WeightsError
from splitsr.imaging.photo import Photo
from splitsr.imaging.resize import resize_bicubic
from splitsr.networks import ModelSpec, SplitSRSpec
from splitsr.runtime import tile_runner as tiled
from splitsr.runtime.engine import FloatArray
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.runtime.tile_plan import plan_tiles
from splitsr.runtime.upscaler import Progress, Upscaler


@pytest.fixture(scope="module")
def upscaler(tiny_model: Path) -> Upscaler:
    return Upscaler(tiny_model)


@pytest.fixture(scope="module")
def attention_spec(tiny_spec: ModelSpec) -> ModelSpec:
    return msgspec.structs.replace(tiny_spec, hybrid_index=0, channel_attention=True, reduction=4)


class MemoryHog:
    """An engine that finds no memory."""

    name = "hog"
    spec = SplitSRSpec(channel_attention=False)

    def run(self, lr: FloatArray) -> FloatArray:
        raise MemoryError(lr.shape)


# The image's size is prime, so no tile divides it; 5 is the network's radius.
@pytest.mark.parametrize("tile", [1, 7, 16, 40, 100])
def test_tiles_leave_no_seam(tiny_model: Path, photo: np.ndarray, tile: int) -> None:
    lr = photo[100 : 100 + 61, 150 : 150 + 83] if tile > 1 else photo[100:117, 150:169]

    whole = Upscaler(tiny_model, tile=10_000)(lr).astype(int)
    tiled_sr = Upscaler(tiny_model, tile=tile)(lr).astype(int)

    difference = np.abs(whole - tiled_sr)
    assert difference.max() <= 1
    assert np.count_nonzero(difference) < max(1e-5 * difference.size, 1)


def test_a_halo_below_the_radius_would_leave_seams(tiny_model: Path, photo: np.ndarray) -> None:
    """The measure above can fail: the network does use all of its radius."""
    engine = OnnxEngine(tiny_model)
    lr = photo[100:161, 150:233]
    radius = engine.spec.receptive_radius

    whole = tiled.run_tiled(engine, lr, plan_tiles(61, 83, 100, radius))
    short = tiled.run_tiled(engine, lr, plan_tiles(61, 83, 16, radius - 1))

    assert np.count_nonzero(whole != short) > 1e-5 * whole.size


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3), (9, 7, 4)])
def test_arrays_keep_dtype_and_rank(
    upscaler: Upscaler, dtype: type, shape: tuple[int, ...]
) -> None:
    image = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    before = image.copy()

    larger = upscaler(image)

    assert larger.dtype == dtype
    assert larger.shape == (36, 28, *shape[2:])
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("mode", "result"),
    [("L", "L"), ("LA", "LA"), ("RGB", "RGB"), ("RGBA", "RGBA"), ("P", "RGB"), ("1", "L")],
)
def test_pillow_images_keep_their_mode(
    upscaler: Upscaler, photo: np.ndarray, mode: str, result: str
) -> None:
    image = Image.fromarray(photo[:20, :30]).convert(mode)
    image.info["dpi"] = (300, 300)

    larger = upscaler(image)

    assert (larger.mode, larger.size) == (result, (120, 80))
    assert larger.info["dpi"] == (300, 300)


def test_16_bit_gray_of_pillow_uses_its_range(upscaler: Upscaler) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)

    larger = upscaler(Image.fromarray(ramp))

    assert larger.mode == "I;16"
    assert len(np.unique(np.asarray(larger))) > 256


def test_a_transparent_colour_becomes_alpha(upscaler: Upscaler) -> None:
    image = Image.new("P", (6, 5))
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.info["transparency"] = 0

    larger = upscaler(image)

    assert larger.mode == "RGBA"
    assert "transparency" not in larger.info
    assert np.asarray(larger)[..., 3].max() == 0


@pytest.mark.parametrize("mode", ["CMYK", "F", "I", "HSV"])
def test_other_pillow_modes_are_refused(upscaler: Upscaler, mode: str) -> None:
    with pytest.raises(UnsupportedImageError, match=f"found Pillow mode '{mode}'; convert it"):
        upscaler(Image.new(mode, (4, 4)))


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros((4, 4), np.float32), TypeError),
        (np.zeros((4, 4, 2), np.uint8), ValueError),
        (np.zeros((0, 4), np.uint8), ValueError),
        (np.zeros(4, np.uint8), ValueError),
        ("photo.png", TypeError),
        (Image.new("L", (0, 4)), ValueError),
    ],
)
def test_what_is_no_image_is_refused(
    upscaler: Upscaler, image: object, error: type[Exception]
) -> None:
    with pytest.raises(error, match="image: found"):
        upscaler(image)


def test_gray_is_the_mean_of_what_equal_channels_give(
    upscaler: Upscaler, photo: np.ndarray
) -> None:
    gray = photo[:16, :16, 0]

    as_gray = upscaler(gray).astype(float)
    as_color = upscaler(np.repeat(gray[..., None], 3, axis=2)).astype(float)

    inside = (as_color > 0).all(axis=2) & (as_color < 255).all(axis=2)  # not clamped
    assert inside.mean() > 0.5
    assert np.abs(as_gray - as_color.mean(axis=2))[inside].max() <= 1


@pytest.mark.parametrize("scale", [1, 1.5, 2, 3.3, 4, 5, 6, 8])
def test_every_scale_gives_the_exact_size(upscaler: Upscaler, scale: float) -> None:
    image = np.full((13, 1, 3), 128, np.uint8)
    assert upscaler(image, scale).shape == (round(13 * scale), max(1, round(scale)), 3)


def test_a_scale_in_between_is_the_network_shrunk(upscaler: Upscaler, photo: np.ndarray) -> None:
    lr = photo[:40, :40]
    np.testing.assert_array_equal(upscaler(lr, 3), resize_bicubic(upscaler(lr), 120, 120))


def test_two_passes_are_two_networks_with_bicubic_between(
    upscaler: Upscaler, photo: np.ndarray
) -> None:
    lr = photo[:20, :20]
    np.testing.assert_array_equal(upscaler(lr, 8), upscaler(resize_bicubic(upscaler(lr), 40, 40)))
    dot = photo[:8, :8]
    np.testing.assert_array_equal(upscaler(dot, 64), upscaler(upscaler(upscaler(dot))))


def test_hidden_colours_do_not_reach_the_edge(upscaler: Upscaler) -> None:
    image = np.zeros((32, 32, 4), np.uint8)
    image[:, :16] = (200, 180, 160, 255)  # the other half is transparent black
    painted = image.copy()
    painted[:, 16:, :3] = (0, 255, 0)

    np.testing.assert_array_equal(upscaler(image), upscaler(painted))


def test_alpha_is_bicubic(upscaler: Upscaler) -> None:
    image = np.full((8, 8, 4), 90, np.uint8)
    image[2:5, 3:6, 3] = 255
    np.testing.assert_array_equal(upscaler(image)[..., 3], resize_bicubic(image[..., 3], 32, 32))


def test_threads_share_an_upscaler(tiny_model: Path, photo: np.ndarray) -> None:
    """The pool starts before any network is loaded, so that loading is raced for, too."""
    crops = [photo[y : y + 40, y : y + 33] for y in range(0, 160, 20)]
    shared = Upscaler(tiny_model, tile=16)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(shared, crops))
    for crop, larger in zip(crops, together, strict=True):
        np.testing.assert_array_equal(larger, Upscaler(tiny_model, tile=16)(crop))


def test_progress_counts_tiles_and_pixels_of_all_passes(tiny_model: Path) -> None:
    seen: list[Progress] = []

    Upscaler(tiny_model, tile=8)(np.zeros((20, 20), np.uint8), 8, seen.append)

    assert [progress.tiles_done for progress in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].tiles_done == seen[-1].tiles_total > 2
    assert seen[-1].pixels_done == seen[-1].pixels_total == 80 * 80 + 160 * 160


def test_progress_can_end_the_work(tiny_model: Path) -> None:
    def stop(progress: Progress) -> None:
        raise InterruptedError(progress.tiles_done)

    with pytest.raises(InterruptedError, match="1"):
        Upscaler(tiny_model, tile=8)(np.zeros((50, 50), np.uint8), progress=stop)


def test_memory_is_named_when_it_is_short() -> None:
    with pytest.raises(ImageTooLargeError, match="10x10 pixels: not enough memory for 40x40"):
        Upscaler(MemoryHog())(np.zeros((10, 10), np.uint8))


def test_a_network_with_global_attention_is_run_whole(
    tmp_path: Path,
    make_model: Callable[..., Path],
    attention_spec: ModelSpec,
    photo: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = make_model(tmp_path / "attention.onnx", attention_spec)
    lr = photo[:64, :64]
    engine = OnnxEngine(path)
    seen: list[Progress] = []

    whole = Upscaler(path)(lr, progress=seen.append)
    pieces = Upscaler(path, tile=16)(lr)

    assert seen[-1].tiles_total == 1
    assert np.abs(whole.astype(int) - pieces.astype(int)).max() > 1  # why it is run whole
    monkeypatch.setattr(tiled, "whole_image_pixels", lambda _: 64 * 64 - 1)
    with pytest.raises(ImageTooLargeError, match="at most 4095 pixels"):
        Upscaler(engine)(lr)
    assert Upscaler(engine, tile=16)(lr).shape == (256, 256, 3)


def test_bad_settings_are_refused(tiny_model: Path, upscaler: Upscaler) -> None:
    with pytest.raises(ValueError, match="tile: found 0"):
        Upscaler(tiny_model, tile=0)
    with pytest.raises(ValueError, match="threads: found 0"):
        Upscaler(tiny_model, threads=0)
    for scale in (0, 65):
        with pytest.raises(ValueError, match=f"scale: found {scale}"):
            upscaler(np.zeros((4, 4), np.uint8), scale)
    with pytest.raises(WeightsError, match="cannot be read"):
        Upscaler("missing/model.onnx")


def test_opaque_colour_is_left_alone() -> None:
    color = np.zeros((2, 2, 3), np.uint8)
    assert Photo(color, np.full((2, 2), 1, np.uint8)).opaque_color() is color
