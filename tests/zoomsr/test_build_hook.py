"""The build hook, in real builds of this package around a small app and an npm that stands in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

NPM = """#!/bin/sh
echo "$@" >> "$0.log"
if [ "$1" = ci ]; then /bin/mkdir -p node_modules && echo big > node_modules/big.js; fi
if [ "$1" = run ]; then /bin/mkdir -p dist/assets && /bin/cp index.html dist/; fi
"""
APP = "splitsr/zoomsr/app"


class Checkout:
    """A copy of what a build reads, and a PATH with nothing on it but the npm that stands in."""

    def __init__(self, folder: Path, repo_root: Path) -> None:
        self.root, self.bin, self.out = folder / "checkout", folder / "bin", folder / "out"
        self.web = self.root / "web"
        self.web.mkdir(parents=True)
        self.bin.mkdir()
        (self.web / "index.html").write_text("<!doctype html>")
        for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
            shutil.copy(repo_root / name, self.root)
        for name in ("src", "examples"):
            (self.root / name).symlink_to(repo_root / name)

    def install_npm(self, script: str = NPM) -> None:
        (self.bin / "npm").write_text(script)
        (self.bin / "npm").chmod(0o755)

    def npm_calls(self) -> list[str]:
        log = self.bin / "npm.log"
        calls = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return calls

    def build(
        self, target: str = "wheel", root: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        shutil.rmtree(self.out, ignore_errors=True)
        return subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(self.out)],
            cwd=root or self.root,
            env={**os.environ, "SPLITSR_APP": "", "PATH": str(self.bin), **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )

    def wheel(self) -> set[str]:
        (wheel,) = self.out.glob("*.whl")
        return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture
def checkout(tmp_path: Path, repo_root: Path) -> Checkout:
    return Checkout(tmp_path, repo_root)


def test_the_wheel_has_the_app_and_its_photos(checkout: Checkout) -> None:
    checkout.install_npm()
    done = checkout.build()
    assert done.returncode == 0, done.stderr
    assert checkout.npm_calls() == ["ci --no-audit --no-fund", "run build"]
    names = checkout.wheel()
    assert {f"{APP}/index.html", "splitsr/zoomsr/photos/chelsea.png"} <= names
    assert not [name for name in names if "node_modules" in name]


def test_an_app_that_is_up_to_date_is_not_built_again(checkout: Checkout) -> None:
    checkout.install_npm()
    checkout.build()
    checkout.npm_calls()
    checkout.build()
    assert checkout.npm_calls() == []
    assert f"{APP}/index.html" in checkout.wheel()

    (checkout.web / "index.html").write_text("<!doctype html><title>new</title>")
    checkout.build()
    assert "run build" in checkout.npm_calls()


def test_an_installation_from_the_source_distribution_needs_no_npm(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.install_npm()
    done = checkout.build("sdist")
    assert done.returncode == 0, done.stderr
    (archive,) = checkout.out.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(tmp_path / "sdist", filter="data")
    (source,) = (tmp_path / "sdist").iterdir()
    assert (source / "web" / "index.html").is_file()
    assert (source / "web" / "dist" / "index.html").is_file()
    assert not (source / "web" / "node_modules").exists()

    (checkout.bin / "npm").unlink()
    done = checkout.build(root=source, SPLITSR_APP="require")
    assert done.returncode == 0, done.stderr
    assert f"{APP}/index.html" in checkout.wheel()


@pytest.mark.parametrize(
    ("npm", "message"),
    [
        (None, "npm is not installed; install Node.js 20 or newer and build again"),
        (
            "#!/bin/sh\necho no network >&2\nexit 7\n",
            "`npm ci --no-audit --no-fund` in web/ failed",
        ),
    ],
)
def test_without_npm_all_but_the_app_is_built(
    checkout: Checkout, npm: str | None, message: str
) -> None:
    if npm is not None:
        checkout.install_npm(npm)
    done = checkout.build()
    assert done.returncode == 0, done.stderr
    assert f"splitsr is built without the ZoomSR app: {message}" in done.stdout + done.stderr
    names = checkout.wheel()
    assert "splitsr/zoomsr/server.py" in names
    assert not [name for name in names if name.startswith(APP)]

    done = checkout.build(SPLITSR_APP="require")
    assert done.returncode != 0
    assert message in done.stderr


def test_the_app_can_be_left_out(checkout: Checkout) -> None:
    checkout.install_npm()
    assert checkout.build(SPLITSR_APP="skip").returncode == 0
    assert checkout.npm_calls() == []
    assert f"{APP}/index.html" not in checkout.wheel()
