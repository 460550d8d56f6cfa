"""Where the files of the shipped models lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from splitsr.errors import ModelError

_ZOO = Path("src/splitsr/zoo")


@dataclass(frozen=True)
class Paths:
    """The files that a promotion writes, and the facts that it reads.

    Pages that do not exist are left alone.

    Attributes:
        zoo: folder of the catalogue and, in `files`, of the weights.
        root: of results, README and docs.
        checkout: of the source, whose facts are read.
    """

    zoo: Path
    root: Path
    checkout: Path

    @classmethod
    def of_checkout(cls, root: Path) -> Paths:
        """The paths in a checkout of the source.

        Raises:
            ModelError: `root` is none.
        """
        if not (root / _ZOO).is_dir():
            raise ModelError(
                f"{root}: not a checkout of splitsr (no {_ZOO}); run this in its root, or give "
                "--root"
            )
        return cls(zoo=root / _ZOO, root=root, checkout=root)

    @classmethod
    def of_trial(cls, folder: Path, root: Path) -> Paths:
        """A folder that gets everything, so that the checkout `root` stays as it is.

        Raises:
            ModelError: `root` is no checkout.
        """
        return cls(zoo=folder, root=folder, checkout=cls.of_checkout(root).root)

    @property
    def catalogue(self) -> Path:
        """The catalogue of models."""
        return self.zoo / "catalogue.toml"

    @property
    def readme(self) -> Path:
        """The file with the table of models."""
        return self.root / "README.md"

    def result(self, name: str) -> Path:
        """A file of results."""
        return self.root / "results" / name

    @property
    def results(self) -> Path:
        """The measured figures that tables and cards are made from."""
        return self.result("models.json")

    @property
    def precision(self) -> Path:
        """What was measured of lower precisions."""
        return self.result("precision.json")

    def page(self, name: str) -> Path:
        """A page of the documentation."""
        return self.root / "docs" / name

    @property
    def published(self) -> Path:
        """Published figures of other networks."""
        return self.checkout / "results" / "published.csv"

    @property
    def data_sources(self) -> Path:
        """What the networks were trained on: counts by source and licence."""
        return self.checkout / "docs" / "data-sources.csv"

    def card(self, name: str) -> Path:
        """The card of a model."""
        return self.page("models") / f"{name}.md"

    @property
    def card_template(self) -> Path:
        """What a new model's card starts from."""
        return self.checkout / "docs" / "models" / "card-template.md"

    @property
    def twin_card_template(self) -> Path:
        """What the card of a new twin for degraded images starts from."""
        return self.checkout / "docs" / "models" / "card-template-restore.md"

    def weights(self, name: str, suffix: str) -> Path:
        """A weight file of a model; the suffix begins with a dot."""
        return self.zoo / "files" / f"{name}{suffix}"
