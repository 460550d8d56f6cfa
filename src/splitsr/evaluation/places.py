"""Where the files of the shipped models lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from splitsr.errors import ModelError

_ZOO = Path("src/splitsr/zoo")


@dataclass(frozen=True)
class Places:
    """The files that a promotion writes, and the facts that it reads.

    Attributes:
        zoo: folder of the catalogue and, in `files`, of the weights.
        docs: folder of the results and the model cards.
        readme: file with the table of models; left alone if it does not exist.
        facts: the checkout's docs: published figures, sources of the data, the cards' template.
    """

    zoo: Path
    docs: Path
    readme: Path
    facts: Path

    @classmethod
    def of_checkout(cls, root: Path) -> Places:
        """The places in a checkout of the source.

        Raises:
            ModelError: `root` is none.
        """
        if not (root / _ZOO).is_dir():
            raise ModelError(
                f"{root}: not a checkout of splitsr (no {_ZOO}); run this in its root, or give "
                "--root"
            )
        docs = root / "docs"
        return cls(zoo=root / _ZOO, docs=docs, readme=root / "README.md", facts=docs)

    @classmethod
    def of_trial(cls, folder: Path, root: Path) -> Places:
        """A folder that gets everything, so that the checkout `root` stays as it is.

        Raises:
            ModelError: `root` is no checkout.
        """
        facts = cls.of_checkout(root).facts
        return cls(zoo=folder, docs=folder / "docs", readme=folder / "README.md", facts=facts)

    @property
    def catalogue(self) -> Path:
        """The catalogue of models."""
        return self.zoo / "catalogue.toml"

    @property
    def results(self) -> Path:
        """The measured figures that tables and cards are made from."""
        return self.docs / "results" / "models.json"

    @property
    def precision(self) -> Path:
        """What was measured of lower precisions."""
        return self.docs / "results" / "precision.json"

    @property
    def deploy(self) -> Path:
        """The page with the table of precisions; left alone if it does not exist."""
        return self.docs / "deploy.md"

    @property
    def speed(self) -> Path:
        """The page with the tables of speed and memory; left alone if it does not exist."""
        return self.docs / "speed.md"

    @property
    def arm(self) -> Path:
        """The page on AArch64; left alone if it does not exist."""
        return self.docs / "arm.md"

    @property
    def degraded(self) -> Path:
        """The page on degraded images; left alone if it does not exist."""
        return self.docs / "degraded.md"

    @property
    def published(self) -> Path:
        """Published figures of other networks."""
        return self.facts / "results" / "published.csv"

    @property
    def data_sources(self) -> Path:
        """What the networks were trained on: counts by source and licence."""
        return self.facts / "data-sources.csv"

    @property
    def card_template(self) -> Path:
        """What a new model's card starts from."""
        return self.facts / "models" / "card-template.md"

    @property
    def twin_card_template(self) -> Path:
        """What the card of a new twin for degraded images starts from."""
        return self.facts / "models" / "card-template-restore.md"

    @property
    def studies(self) -> Path:
        """Folder with the results of ablation studies."""
        return self.facts / "results" / "ablation"

    @property
    def ablation(self) -> Path:
        """What the studies say."""
        return self.facts / "ablation.md"

    @property
    def tuning_results(self) -> Path:
        """Folder with the results of a search, and with what its short training was held to."""
        return self.facts / "results" / "tuning"

    @property
    def tuning(self) -> Path:
        """The page on searches; its tables are left alone if it does not exist."""
        return self.facts / "tuning.md"

    def card(self, name: str) -> Path:
        """The card of a model."""
        return self.docs / "models" / f"{name}.md"

    def weights(self, name: str, suffix: str) -> Path:
        """A weight file of a model; the suffix begins with a dot."""
        return self.zoo / "files" / f"{name}{suffix}"
