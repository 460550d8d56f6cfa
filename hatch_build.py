"""Builds the ZoomSR app, with npm, into the wheel.

The app's sources are in web/, what npm makes of them in web/dist, which git ignores. The wheel has
it as splitsr/zoomsr/app, and a source distribution as it is, so that an installation from one needs
no npm. An app that was built of the same sources is not built again.

Without npm the package is built without the app; `splitsr zoom` then says how to get it. The
environment's SPLITSR_APP=skip leaves the app out, SPLITSR_APP=require fails instead of that.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STAMP = ".sources"
"""File in web/dist with the hash of the sources that it was built of."""

# What npm and the app's tools make; hidden folders are of that kind too.
_MADE = {"node_modules", "dist", "coverage"}
# With a registry that cannot be reached npm would try for minutes.
_NPM_ENVIRONMENT = {"npm_config_fetch_retries": "1", "npm_config_fetch_timeout": "60000"}
_NPM_CALLS = (("ci", "--no-audit", "--no-fund"), ("run", "build"))


class AppHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's hook: called before a wheel or a source distribution is put together."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the app if it has to be, and adds it.

        Args:
            version: `editable` for a wheel that only points to the checkout.
            build_data: what hatchling includes.
        """
        root = Path(self.root)
        built = self._built(root / "web")
        if not built or version == "editable":  # an editable wheel finds the checkout's own
            return
        inside = "splitsr/zoomsr/app" if self.target_name == "wheel" else "web/dist"
        build_data["force_include"][str(root / "web" / "dist")] = inside

    def _built(self, web: Path) -> bool:
        """Whether there is an app of the sources as they are, which may take a build."""
        wish = os.environ.get("SPLITSR_APP", "")
        if wish == "skip":
            return False
        if is_current(web):
            return True
        problem = build(web)
        if problem and wish == "require":
            raise RuntimeError(problem)
        if problem:
            self.app.display_warning(f"splitsr is built without the ZoomSR app: {problem}")
        return problem is None


def is_current(web: Path) -> bool:
    """Whether web/dist was built of the sources as they are."""
    stamp = web / "dist" / STAMP
    return stamp.is_file() and stamp.read_text() == sources_hash(web)


def build(web: Path) -> str | None:
    """Builds web/dist by npm.

    Returns:
        What was wrong, and what to do; None if nothing was.
    """
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed; install Node.js 20 or newer and build again"
    found = sources_hash(web)
    for call in _NPM_CALLS:
        try:
            subprocess.run(
                [npm, *call],
                cwd=web,
                env={**os.environ, **_NPM_ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            return f"`npm {' '.join(call)}` in web/ failed ({error}); its own lines say why"
    (web / "dist" / STAMP).write_text(found)
    return None


def sources_hash(web: Path) -> str:
    """A hash of all files in web/ that git would keep, names and contents."""
    digest = hashlib.sha256()
    for file in _sources(web):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(web).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _sources(web: Path) -> list[Path]:
    found = []
    for folder, folders, files in os.walk(web):
        folders[:] = [name for name in folders if name not in _MADE and name[0] != "."]
        found += [Path(folder, name) for name in files if not name.endswith(".tsbuildinfo")]
    return sorted(found)
