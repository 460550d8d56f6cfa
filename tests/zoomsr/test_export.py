"""The app as plain files."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from splitsr import ZoomError
from splitsr.zoomsr.export import MANIFEST, export_site
from splitsr.zoomsr.resources import Resource
from splitsr.zoomsr.site import Site
from tests.zoomsr.conftest import SCRIPT


def files(folder: Path) -> dict[str, bytes]:
    """An export's content, without its list."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def contents(site: Site) -> dict[str, bytes]:
    """A site's content, and what of it is compressed, as files."""
    return {
        path: resource.encoded(encoding)
        for resource in site.values()
        for path, encoding in resource.files().items()
    }


@pytest.mark.parametrize("exists", [False, True])
def test_it_is_what_the_server_gives(site: Site, tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "public"
    if exists:
        target.mkdir()
    size = export_site(site, target)
    found = files(target)
    assert found == contents(site)
    assert {path: found[path] for path in site} == {p: site[p].content for p in site}
    for path in ("index.html", SCRIPT, "assets/ort.wasm"):
        assert gzip.decompress(found[f"{path}.gz"]) == found[path]
    assert [path for path in found if path.endswith(".br")] == ["assets/ort.wasm.br"]
    assert size == sum(map(len, files(target).values()))
    assert list(tmp_path.iterdir()) == [target]
    assert target.stat().st_mode & 0o005 == 0o005  # a web server of another user can read it


def test_a_folder_with_anything_in_it_is_left_alone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ZoomError, match="not empty"):
        export_site(site, tmp_path)
    with pytest.raises(ZoomError, match="holds other things"):
        export_site(site, tmp_path, overwrite=True)
    assert files(tmp_path) == {"mine.txt": b"mine"}


def test_an_earlier_export_is_replaced_and_nothing_else(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "public"
    old = ["assets/old.js", "old/deep/a.js", "old/deep/b.js"]
    export_site({**site, **{path: Resource.of(path, b"old") for path in old}}, target)
    mine = {"assets/mine.js": b"mine", "photos/mine.jpg": b"mine", "old/mine.txt": b"mine"}
    for path, content in mine.items():
        (target / path).parent.mkdir(exist_ok=True)
        (target / path).write_bytes(content)
    with pytest.raises(ZoomError, match="not empty"):
        export_site(site, target)
    export_site(site, target, overwrite=True)
    new = contents(site)
    assert files(target) == {**new, **mine}
    assert not (target / "old" / "deep").exists()
    assert list(tmp_path.iterdir()) == [target]

    added = {**site, "photos/mine.jpg": Resource.of("photos/mine.jpg", b"new")}
    with pytest.raises(ZoomError, match=r"photos/mine\.jpg is not of an earlier export"):
        export_site(added, target, overwrite=True)
    assert files(target) == {**new, **mine}


def test_a_list_that_was_tampered_with_reaches_no_other_folder(site: Site, tmp_path: Path) -> None:
    target, other = tmp_path / "public", tmp_path / "other.txt"
    export_site(site, target)
    other.write_text("mine")
    (target / "loop").symlink_to("loop")
    paths = ["../other.txt", str(other), "", "loop/x", *contents(site)]
    (target / MANIFEST).write_bytes(msgspec.json.encode(paths))
    export_site(site, target, overwrite=True)
    assert other.read_text() == "mine"
    (target / MANIFEST).write_text("[" * 10**5)
    with pytest.raises(ZoomError, match="holds other things"):
        export_site(site, target, overwrite=True)


def test_a_file_is_no_folder(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ZoomError, match="is a file"):
        export_site(site, tmp_path / "file")


def test_what_fails_leaves_nothing_and_keeps_the_earlier_one(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "public"
    export_site(site, target)
    before = files(target)

    def fail() -> bytes:
        raise OSError(28, "No space left on device")

    with pytest.raises(ZoomError, match="No space left"):
        export_site({**site, "zz": Resource("zz", fail)}, target, overwrite=True)
    assert files(target) == before
    assert list(tmp_path.iterdir()) == [target]
