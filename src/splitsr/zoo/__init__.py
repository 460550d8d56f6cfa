"""What ships: the catalogue of models, their files, loading and verifying."""

from splitsr.zoo.catalogue import (
    DEFAULT_FAMILY,
    Catalogue,
    Figures,
    ModelEntry,
    find_family,
    find_model,
    list_models,
    load_catalogue,
)

__all__ = [
    "DEFAULT_FAMILY",
    "Catalogue",
    "Figures",
    "ModelEntry",
    "find_family",
    "find_model",
    "list_models",
    "load_catalogue",
]
