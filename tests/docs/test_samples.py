"""The samples for Android and iOS fit the exports that they name; the Kotlin computes our pixels.

The Android part is compiled against stubs and run where there is a Kotlin compiler: kotlinc of any
Kotlin 2 with Java 17, such as that of `npm install kotlin-compiler`, on the path.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from struct import pack, unpack
from typing import IO
from xml.etree import ElementTree

import numpy as np
import pytest

from splitsr.runtime.upscaler import Upscaler
from splitsr.zoo import find_model
from tests.docs.markdown import ROOT, local_links, read_blocks, run_here
from tests.patience import PATIENCE_S
from tests.untraced import untraced

pytestmark = pytest.mark.usefixtures("quick_exports")

ANDROID = ROOT / "examples" / "android"
IOS = ROOT / "examples" / "ios"
STUBS = Path(__file__).with_name("android_stubs.kt.txt")
SOURCES = sorted(ANDROID.rglob("*.kt"))
MODEL = find_model("splitsr-fast-x4")
WINDOW = 256
KOTLINC = shutil.which("kotlinc")


def readme_call(sample: Path) -> list[str]:
    (block,) = [b for b in read_blocks(sample / "README.md") if "splitsr export" in b.text]
    (call,) = block.commands
    return call


def export(sample: Path, folder: Path) -> Path:
    """Runs the README's command in an empty checkout."""
    call = readme_call(sample)
    file = folder / call[-1]
    file.parent.mkdir(parents=True)
    run_here(call, folder)
    return file


@pytest.fixture(scope="module")
def tflite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(ANDROID, tmp_path_factory.mktemp("android"))


def constants(text: str) -> dict[str, str]:
    """Numbers and names that a source gives in capitals or, in Swift, as static properties."""
    found = re.findall(r"(?:const val|static let) (\w+)(?:: \w+)? = \"?([\w.-]+)", text)
    return {name.upper(): value for name, value in found}


@pytest.mark.parametrize("source", ["Upscaler.kt", "Upscaler.swift"])
def test_the_code_has_the_numbers_of_the_model(source: str) -> None:
    (path,) = (ROOT / "examples").rglob(source)
    found = constants(path.read_text())
    assert {name: found[name] for name in ("MODEL", "SCALE", "WINDOW", "HALO")} == {
        "MODEL": "splitsr-fast-x4.tflite" if source.endswith(".kt") else "splitsr-fast-x4",
        "SCALE": str(MODEL.spec.scale),
        "WINDOW": str(WINDOW),
        "HALO": str(MODEL.spec.receptive_radius),
    }


@pytest.mark.parametrize("sample", [ANDROID, IOS], ids=lambda path: path.name)
def test_the_readme_names_what_there_is(sample: Path) -> None:
    readme = sample / "README.md"
    assert local_links(readme)
    for link in local_links(readme):
        assert (sample / link).exists(), link
    for name in re.findall(r"`([\w/.-]+\.(?:kt|kts|swift|toml|swiftpm))`", readme.read_text()):
        assert [path for path in sample.rglob(Path(name).name) if path.match(name)], name
    call = readme_call(sample)
    assert call[call.index("--input") + 1] == f"{WINDOW}x{WINDOW}"
    folder = (ROOT / call[-1]).parent
    assert folder.is_dir()
    ignored = subprocess.run(["git", "check-ignore", "-q", call[-1]], cwd=ROOT, check=False)
    assert ignored.returncode in (0, 128)  # 128: not in a checkout


def test_the_litert_export_is_what_the_kotlin_expects(tflite: Path) -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(str(tflite))
    assert tflite.name == constants((SOURCES[-1]).read_text())["MODEL"]
    assert list(interpreter.get_signature_list().values()) == [
        {"inputs": ["lr"], "outputs": ["sr"]}
    ]
    described = interpreter.get_input_details() + interpreter.get_output_details()
    assert [(list(tensor["shape"]), tensor["dtype"]) for tensor in described] == [
        ([1, WINDOW, WINDOW, 3], np.float32),
        ([1, 4 * WINDOW, 4 * WINDOW, 3], np.float32),
    ]


def test_the_core_ml_export_is_what_the_swift_expects(tmp_path: Path) -> None:
    coremltools = untraced(pytest.importorskip)("coremltools")
    package = export(IOS, tmp_path)
    described = (
        coremltools.models.MLModel(str(package), skip_model_load=True).get_spec().description
    )
    tensors = [
        (t.name, list(t.type.multiArrayType.shape)) for t in [*described.input, *described.output]
    ]
    assert tensors == [("lr", [1, 3, WINDOW, WINDOW]), ("sr", [1, 3, 4 * WINDOW, 4 * WINDOW])]
    swift = (IOS / "Upscale.swiftpm" / "Upscaler.swift").read_text()
    assert all(f'"{name}"' in swift for name, _ in tensors)


def test_the_android_project_is_whole() -> None:
    catalog = tomllib.loads((ANDROID / "gradle" / "libs.versions.toml").read_text())
    entries = [*catalog["libraries"].values(), *catalog["plugins"].values()]
    assert {entry["version"]["ref"] for entry in entries} == set(catalog["versions"])
    names = {f"libs.{name.replace('-', '.')}" for name in catalog["libraries"]}
    names |= {f"libs.plugins.{name.replace('-', '.')}" for name in catalog["plugins"]}
    scripts = "".join(path.read_text() for path in ANDROID.rglob("*.kts"))
    assert set(re.findall(r"\((libs[\w.]+)\)", scripts)) == names

    manifest = ElementTree.parse(ANDROID / "app" / "src" / "main" / "AndroidManifest.xml").getroot()
    (activity,) = manifest.iter("activity")
    name = activity.attrib["{http://schemas.android.com/apk/res/android}name"]
    assert f"{name.lstrip('.')}.kt" in [path.name for path in SOURCES]
    strings = ElementTree.parse(ANDROID / "app" / "src" / "main" / "res" / "values" / "strings.xml")
    code = "".join(path.read_text() for path in SOURCES)
    used = {*re.findall(r"R\.string\.(\w+)", code), "app_name"}
    assert {entry.attrib["name"] for entry in strings.getroot()} == used


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sample, and the Kotlin for LiteRT in the documents, compiled: a class path."""
    if KOTLINC is None:
        pytest.skip("no Kotlin compiler on the path: npm install kotlin-compiler")
    folder = tmp_path_factory.mktemp("kotlin")
    for number, package in enumerate(STUBS.read_text().split("\npackage ")[1:]):
        (folder / f"Stub{number}.kt").write_text(f"package {package}")
    (block,) = [b for b in read_blocks(ROOT / "docs" / "deploy.md") if "litert.Comp" in b.text]
    (folder / "Deploy.kt").write_text(f"package deploy\n{block.text}")
    library = Path(KOTLINC).resolve().parents[1] / "lib"
    coroutines = library / "kotlinx-coroutines-core-jvm.jar"
    call = [KOTLINC, "-jvm-target", "17", "-cp", coroutines, "-d", folder / "out"]
    result = subprocess.run(
        [*call, *folder.glob("*.kt"), *SOURCES], capture_output=True, text=True, timeout=PATIENCE_S,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return os.pathsep.join(map(str, [folder / "out", library / "kotlin-stdlib.jar", coroutines]))


def read_text(stream: IO[bytes]) -> str:
    (length,) = unpack(">H", stream.read(2))
    return stream.read(length).decode()


def upscale_whole(image: np.ndarray, tflite: Path) -> np.ndarray:
    """What LiteRT gives for an image in one run, in 8 bits."""
    from ai_edge_litert.interpreter import Interpreter

    lr = image[None] / np.float32(255)
    interpreter = Interpreter(str(tflite), num_threads=1)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], lr.shape)
    interpreter.allocate_tensors()
    sr = interpreter.get_signature_runner()(lr=lr)["sr"][0]
    return (255 * sr + np.float32(0.5)).astype(int).clip(0, 255)


def upscale_in_kotlin(classes: str, image: np.ndarray, tflite: Path) -> tuple[str, np.ndarray, int]:
    """Runs the sample's Upscaler; where it ran the model, the larger image, and tiles."""
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(str(tflite), num_threads=1).get_signature_runner()
    height, width = image.shape[:2]
    levels = image.astype(np.uint32)
    packed = levels[..., 0] << 16 | levels[..., 1] << 8 | levels[..., 2]
    java = ["java", "-Xmx500m", "-cp", classes, "com.example.splitsr.Stub0Kt"]
    tiles = 0
    with subprocess.Popen(java, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(pack(">ii", height, width) + packed.astype(">i4").tobytes())
        process.stdin.flush()
        while (word := read_text(process.stdout)) == "tile":
            lr = np.frombuffer(process.stdout.read(4 * 3 * WINDOW**2), ">f4").astype(np.float32)
            sr = run(lr=lr.reshape(1, WINDOW, WINDOW, 3))["sr"]
            process.stdin.write(pack(">i", sr.size) + sr.astype(">f4").tobytes())
            process.stdin.flush()
            tiles += 1
        rows, columns = unpack(">ii", process.stdout.read(8))
        larger = np.frombuffer(process.stdout.read(4 * rows * columns), ">u4")
    assert process.returncode == 0
    assert np.all(larger >> 24 == 255)
    return (
        word,
        np.stack([larger >> s & 255 for s in (16, 8, 0)], -1).reshape(rows, columns, 3),
        tiles,
    )


def test_the_kotlin_upscales_like_the_command(
    classes: str, tflite: Path, photo: np.ndarray
) -> None:
    # Two tiles that overlap by two halos across, and more down.
    small = np.ascontiguousarray(photo[:300, : 2 * WINDOW - 2 * MODEL.spec.receptive_radius])
    accelerator, larger, tiles = upscale_in_kotlin(classes, small, tflite)
    # The stubs have no NPU's libraries and no GPU: what is left is the CPU, found without an error.
    assert (accelerator, tiles) == ("CPU", 4)
    assert np.array_equal(larger, upscale_whole(small, tflite))
    assert np.abs(larger.astype(int) - Upscaler("splitsr-fast-x4")(small)).max() <= 1


def test_the_kotlin_mirrors_an_image_that_is_smaller_than_a_tile(
    classes: str, tflite: Path, photo: np.ndarray
) -> None:
    small = np.ascontiguousarray(photo[:WINDOW, :90])
    mirrored = np.pad(small, ((0, 0), (0, WINDOW - 90), (0, 0)), "symmetric")
    _, larger, _ = upscale_in_kotlin(classes, small, tflite)
    assert np.array_equal(larger, upscale_whole(mirrored, tflite)[:, : 4 * 90])
