from __future__ import annotations

import io
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from splitsr.batch.job import Job, Settings
from splitsr.batch.local import attempt_all
from splitsr.batch.upscaler_options import UpscalerOptions
from splitsr.dispatch.engine import find_dispatched
from splitsr.errors import UnknownModelError, WeightsError
from splitsr.imaging.degradation import Compression
from splitsr.imaging.files import read_photo
from splitsr.imaging.photo import Photo
from splitsr.networks import ModelSpec
from splitsr.runtime.engine import Engine
from splitsr.runtime.engine_cache import Networks
from splitsr.runtime.loading import find_networks
from splitsr.runtime.restore import StrengthTable, choose_restoration, read_tables
from splitsr.runtime.upscale_file import upscale
from splitsr.runtime.upscaler import Upscaler
from tests.batch.test_local import Quiet


def saved(photo: np.ndarray, path: Path, **options: object) -> Path:
    Image.fromarray(photo).save(path, **options)  # type: ignore[arg-type]
    return path


def upscaled(model: Path, source: Path, **options: object) -> np.ndarray:
    target = source.with_name("out.png")
    upscale(source, target, model=model, threads=1, overwrite=True, **options)  # type: ignore[arg-type]
    return read_photo(target).color


def test_the_table_is_bilinear_in_steps_of_an_eighth() -> None:
    table = StrengthTable(quality=[50, 90], noise=[0, 4], strength=[[1, 0], [1, 0.5]])
    assert table.at(50, 0) == table.at(20, 9) == 1
    assert table.at(70, 0) == 0.5
    assert table.at(90, 2) == 0.25
    assert table.at(100, 8) == 0.5
    assert table.at(90, 1) == 0.125
    assert {(table.at(q, n) * 8) % 1 for q in range(101) for n in range(5)} == {0}


@pytest.mark.parametrize(
    "changes",
    [
        {"strength": [[1, 0]]},
        {"strength": [[1, 0], [1, 2]]},
        {"strength": [[1, 0], [1, float("nan")]]},
        {"quality": [90, 50]},
        {"noise": [-1, 4]},
    ],
)
def test_a_table_that_cannot_be_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    table = {"quality": [50, 90], "noise": [0, 4], "strength": [[1, 0], [1, 0.5]], **changes}
    path = tmp_path / "restore.toml"
    path.write_text("[default]\n" + "".join(f"{key} = {value}\n" for key, value in table.items()))
    with pytest.raises(WeightsError, match="not valid tables of strengths"):
        read_tables(path)


def test_the_table_that_ships_restores_more_the_worse_a_file_is() -> None:
    for table in read_tables().values():
        for noise in (0.0, 2.0, 5.0):
            found = [table.at(quality, noise) for quality in (30, 50, 75, 90, 95)]
            assert found == sorted(found, reverse=True)
        assert table.at(100, 0) <= 1 / 8  # the least step that is fitted


@pytest.mark.parametrize("ending", ["png", "tif", "bmp", "ppm"])
def test_lossless_files_stay_with_the_clean_model(
    restoring_model: Path, tiny_model: Path, photo: np.ndarray, tmp_path: Path, ending: str
) -> None:
    source = saved(photo[:40, :32], tmp_path / f"photo.{ending}")
    expected = upscaled(tiny_model, source)
    np.testing.assert_array_equal(upscaled(restoring_model, source), expected)
    restored = upscaled(restoring_model, source, restore=1)
    assert not np.array_equal(restored, expected)


def test_a_jpeg_is_restored_as_its_quality_says(
    restoring_model: Path, photo: np.ndarray, tmp_path: Path
) -> None:
    source = saved(photo[:64, :48], tmp_path / "photo.jpg", quality=10)
    clean, full = (upscaled(restoring_model, source, restore=one) for one in ("off", 1))
    assert not np.array_equal(clean, full)
    np.testing.assert_array_equal(upscaled(restoring_model, source), full)
    upscaler, read = Upscaler(restoring_model, threads=1), read_photo(source)
    whole = upscaler.enlarge(read, strength=upscaler.restoration(read).strength)
    np.testing.assert_array_equal(whole.color, full)


def test_pictures_in_memory_are_restored_where_their_quality_is_known(
    restoring_model: Path, photo: np.ndarray
) -> None:
    file = io.BytesIO()
    Image.fromarray(photo[:64, :48]).save(file, "JPEG", quality=10)
    image = Image.open(file)
    auto, off, full = (
        Upscaler(restoring_model, threads=1, restore=one) for one in ("auto", "off", 1.0)
    )
    np.testing.assert_array_equal(np.asarray(auto(image)), np.asarray(full(image)))
    pixels = np.asarray(image)
    np.testing.assert_array_equal(auto(pixels), off(pixels))
    assert not np.array_equal(full(pixels), off(pixels))


def test_a_quality_that_is_not_told_is_assumed(photo: np.ndarray) -> None:
    known, unknown = (Photo(photo, compression=Compression("AVIF", q)) for q in (90, None))
    found = choose_restoration("any", unknown)
    assert found.strength == choose_restoration("any", known).strength
    assert found.reason == "AVIF of unknown quality, noise 0.7"
    assert 0 < found.strength < 1


@pytest.mark.parametrize("restore", [-0.1, 1.1, float("nan"), float("inf"), "0.5", "strong"])
def test_what_is_no_strength_is_refused(tiny_model: Path, restore: float) -> None:
    with pytest.raises(ValueError, match=r"^restore: found .*; must be auto, off, or 0 to 1$"):
        Upscaler(tiny_model, restore=restore)


def test_a_model_without_a_twin_restores_nothing(
    tiny_model: Path, photo: np.ndarray, tmp_path: Path
) -> None:
    source = saved(photo[:40, :32], tmp_path / "photo.jpg", quality=10)
    np.testing.assert_array_equal(
        upscaled(tiny_model, source), upscaled(tiny_model, source, restore="off")
    )
    read = read_photo(source)
    found = Upscaler(tiny_model).restoration(read)
    assert found == (0.0, "the model has no twin for degraded images")
    with pytest.raises(UnknownModelError, match="tiny-x4: has no twin for degraded images"):
        upscaled(tiny_model, source, restore=0.5)
    engine = find_networks(tiny_model, 1).engine(4)
    with pytest.raises(UnknownModelError, match="has no twin"):
        Upscaler(engine, restore=0.5)(photo[:20, :20])


def test_a_twin_that_cannot_be_used_costs_no_photo(
    tiny_model: Path,
    tiny_spec: ModelSpec,
    make_model: Callable[..., Path],
    photo: np.ndarray,
    tmp_path: Path,
) -> None:
    model = tmp_path / "tiny-x4.onnx"
    model.write_bytes(tiny_model.read_bytes())
    wider = msgspec.structs.replace(tiny_spec, n_feats=16)
    make_model(tmp_path / "tiny-restore-x4.onnx", wider, name="tiny-restore-x4")
    source = saved(photo[:40, :32], tmp_path / "photo.jpg", quality=10)
    np.testing.assert_array_equal(upscaled(model, source), upscaled(tiny_model, source))
    read = read_photo(source)
    found = Upscaler(model).restoration(read)
    assert found.strength == 0
    assert found.reason.startswith("tiny-restore-x4: is of another network")
    with pytest.raises(WeightsError, match="is of another network"):
        upscaled(model, source, restore=0.5)


@pytest.mark.parametrize("restore", [0.25, 0.5, 0.75, 1])
def test_of_two_int8_forms_the_nearer_is_taken(
    int8_model: Path, photo: np.ndarray, restore: float
) -> None:
    lr = photo[:64, :48]
    twin = int8_model.with_name("tiny-restore-x4.onnx")
    clean, full = (Upscaler(path, threads=1)(lr) for path in (int8_model, twin))
    assert not np.array_equal(clean, full)
    upscaler = Upscaler(int8_model, threads=1, restore=restore)
    np.testing.assert_array_equal(upscaler(lr), clean if restore < 0.5 else full)
    found = upscaler.restoration(None)
    assert found.strength == round(restore + 0.01)
    if restore == 0.75:
        assert found.reason == "asked for, but in int8 0.75 is rounded"


def test_auto_takes_the_nearer_int8_form(
    int8_model: Path, photo: np.ndarray, tmp_path: Path
) -> None:
    source = saved(photo[:64, :48], tmp_path / "photo.jpg", quality=75)
    read = read_photo(source)
    found = Upscaler(int8_model, threads=1).restoration(read)
    assert found.strength == 1
    assert re.fullmatch(
        r"JPEG quality 75, noise [\d.]+, but in int8 0\.[\d]+ is rounded", found.reason
    )
    np.testing.assert_array_equal(
        upscaled(int8_model, source), upscaled(int8_model, source, restore=1)
    )


def test_an_int8_form_whose_twin_has_none_stays_clean(
    int8_model: Path, tiny_spec: ModelSpec, make_model: Callable[..., Path], photo: np.ndarray
) -> None:
    lr = photo[:64, :48]
    clean = Upscaler(int8_model, threads=1)(lr)
    twin = int8_model.with_name("tiny-restore-x4.onnx")
    make_model(twin, msgspec.structs.replace(tiny_spec, n_feats=16))
    with pytest.raises(WeightsError, match="is of another network"):
        Upscaler(int8_model, threads=1, restore=1)(lr)
    twin.unlink()
    upscaler = Upscaler(int8_model, threads=1, restore=1)
    np.testing.assert_array_equal(upscaler(lr), clean)
    assert upscaler.restoration(None) == (0, "asked for, but in int8 it has no twin")


def test_what_the_first_pass_gives_is_not_restored_again(
    restoring_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, float]] = []
    load = Networks.engine

    def engine(self: Networks, scale: int, strength: float = 0.0) -> Engine:
        asked.append((scale, strength))
        return load(self, scale, strength)

    monkeypatch.setattr(Networks, "engine", engine)
    Upscaler(restoring_model, threads=1, restore=0.5).networks_for(64)
    assert asked == [(4, 0.5), (4, 0.0), (4, 0.0)]


def test_few_mixed_networks_are_kept(restoring_model: Path) -> None:
    networks = find_networks(restoring_model, 1)
    clean = networks.engine(4)
    mixed = {strength: networks.engine(4, strength) for strength in (0.25, 0.5, 0.75)}
    assert networks.engine(4, 0.25) is mixed[0.25]
    networks.engine(4, 1.0)
    assert networks.engine(4) is clean
    assert networks.engine(4, 0.25) is mixed[0.25]
    assert networks.engine(4, 0.5) is not mixed[0.5]


def test_a_batch_of_many_qualities_is_that_of_one_after_another(
    restoring_model: Path, photo: np.ndarray, tmp_path: Path
) -> None:
    qualities = (5, 60, 70, 80, 85, 90, 93, 100) * 2
    jobs = [
        Job(
            saved(photo[30:94, : 40 + index], tmp_path / f"{index}.jpg", quality=quality),
            tmp_path / f"{index}.png",
            "PNG",
        )
        for index, quality in enumerate(qualities)
    ]
    upscaler = Upscaler(restoring_model, threads=2)
    results = [*attempt_all(jobs, upscaler, Settings(4), Quiet())]
    assert [result.status for result in results] == ["done"] * len(jobs)
    assert results[0].restore == 1
    assert len({result.restore for result in results}) > 3
    for job, result, quality in zip(jobs, results, qualities, strict=True):
        assert result.restore_reason is not None
        assert result.restore_reason.startswith(f"JPEG quality {quality}, noise ")
        assert job.source is not None
        assert job.target is not None
        expected = upscaled(restoring_model, job.source, restore=result.restore)
        difference = np.abs(read_photo(job.target).color.astype(int) - expected)
        assert difference.max() <= 1


def test_dispatch_restores_too(restoring_model: Path, photo: np.ndarray) -> None:
    networks = find_dispatched("bicubic", str(restoring_model), threshold=0.0, threads=1)
    assert networks.twins == {4: "tiny-x4"}
    found = Upscaler(networks, restore=0.5)(photo[:40, :32])
    expected = Upscaler(restoring_model, threads=1, restore=0.5)(photo[:40, :32])
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_the_options_take_the_strength_along(restoring_model: Path, photo: np.ndarray) -> None:
    options = UpscalerOptions(str(restoring_model), threads=1, restore=0.75).absolute()
    found = pickle.loads(pickle.dumps(options)).upscaler()(photo[:40, :32])
    expected = Upscaler(restoring_model, threads=1, restore=0.75)(photo[:40, :32])
    np.testing.assert_array_equal(found, expected)
