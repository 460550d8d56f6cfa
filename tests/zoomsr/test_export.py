"""The app as plain files."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitsr import ZoomError
from splitsr.zoomsr.export import export_site
from splitsr.zoomsr.resources import Resource
from splitsr.zoomsr.site import Site


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("exists", [False, True])
def test_it_is_what_the_server_gives(site: Site, tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "public"
    if exists:
        target.mkdir()
    size = export_site(site, target)
    assert files(target) == {path: resource.content for path, resource in site.items()}
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


def test_an_earlier_export_is_replaced_whole(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "public"
    export_site(site, target)
    (target / "assets" / "old.js").write_text("of an older version")
    with pytest.raises(ZoomError, match="not empty"):
        export_site(site, target)
    export_site(site, target, overwrite=True)
    assert files(target).keys() == site.keys()
    assert list(tmp_path.iterdir()) == [target]


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
