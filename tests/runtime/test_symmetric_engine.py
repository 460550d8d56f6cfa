from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from splitsr import Upscaler
from splitsr.runtime.onnx_engine import OnnxEngine
from splitsr.runtime.symmetric_engine import SymmetricEngine


def test_the_mean_is_that_of_the_eight_symmetries(tiny_model: Path, photo: np.ndarray) -> None:
    engine = OnnxEngine(tiny_model, 1)
    lr = np.float32(photo[None, :20, :30].transpose(0, 3, 1, 2) / 255)
    found = SymmetricEngine(engine).run(lr)
    turned = SymmetricEngine(engine).run(np.ascontiguousarray(np.rot90(lr, 1, (2, 3))))
    np.testing.assert_allclose(np.rot90(turned, -1, (2, 3)), found, atol=1e-6)
    mirrored = SymmetricEngine(engine).run(np.ascontiguousarray(lr[..., ::-1]))
    np.testing.assert_allclose(mirrored[..., ::-1], found, atol=1e-6)
    assert np.abs(found - engine.run(lr)).max() > 1e-4
    by_hand = np.mean(
        [
            np.rot90(engine.run(np.ascontiguousarray(np.rot90(lr, n, (2, 3)))), -n, (2, 3))
            for n in range(4)
        ]
        + [
            np.rot90(
                engine.run(np.ascontiguousarray(np.rot90(lr, n, (2, 3))[..., ::-1]))[..., ::-1],
                -n,
                (2, 3),
            )
            for n in range(4)
        ],
        axis=0,
    )
    np.testing.assert_allclose(found, by_hand, atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_tiles_of_an_ensemble_leave_no_seam(
    tiny_model: Path, photo: np.ndarray, threads: int
) -> None:
    whole = Upscaler(tiny_model, ensemble=True, threads=1)(photo[:60, :90])
    tiled = Upscaler(tiny_model, ensemble=True, threads=threads, tile=24)(photo[:60, :90])
    np.testing.assert_array_equal(whole, tiled)
    assert (whole != Upscaler(tiny_model)(photo[:60, :90])).any()


def test_an_ensemble_scores_better(
    call_splitsr: Callable[..., object], tmp_path: Path, photo: np.ndarray
) -> None:

    Image.fromarray(photo[:256, :256]).save(tmp_path / "a.png")
    call = ("evaluate", "splitsr-fast-x4", "--hr", tmp_path, "--json")
    alone, ensemble = (
        json.loads(call_splitsr(*call, *words).stdout)["psnr_y"]  # type: ignore[attr-defined]
        for words in ((), ("--ensemble",))
    )
    assert ensemble > alone
