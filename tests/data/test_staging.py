from __future__ import annotations

from pathlib import Path

import pytest

from splitsr.data.staging import staged_folder
from splitsr.errors import DataError


def fill(out: Path, text: str, *, overwrite: bool = False) -> None:
    with staged_folder(out, overwrite=overwrite) as folder:
        (folder / "content").write_text(text)


def fill_and_interrupt(out: Path) -> None:
    with staged_folder(out, overwrite=True) as folder:
        (folder / "content").write_text("new")
        raise KeyboardInterrupt


def test_the_folder_appears_at_the_end(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with staged_folder(out) as folder:
        (folder / "content").write_text("new")
        assert not out.exists()
    assert (out / "content").read_text() == "new"
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_what_was_there_is_replaced_at_the_end(tmp_path: Path) -> None:
    fill(tmp_path / "out", "old")
    fill(tmp_path / "out", "new", overwrite=True)
    assert (tmp_path / "out" / "content").read_text() == "new"
    (tmp_path / "file").write_text("old")
    fill(tmp_path / "file", "new", overwrite=True)
    assert (tmp_path / "file" / "content").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out"]


def test_an_error_leaves_everything_as_it_was(tmp_path: Path) -> None:
    fill(tmp_path / "out", "old")
    with pytest.raises(KeyboardInterrupt):
        fill_and_interrupt(tmp_path / "out")
    assert (tmp_path / "out" / "content").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_old_folder_comes_back_when_the_new_one_cannot_be_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    fill(out, "old")
    rename = Path.rename

    def fail_for_the_new_one(path: Path, target: Path) -> Path:
        if path.suffix == ".part":
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new_one)
    with pytest.raises(DataError, match="out: cannot be written: Permission denied"):
        fill(out, "new", overwrite=True)
    assert (out / "content").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
