"""The search on disk: Optuna's journal, which every proposal is written to as it becomes known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from splitsr.errors import ConfigError, DataError
from splitsr.experiments.search_results import Settings, Trial
from splitsr.experiments.search_space import STARTS

JOURNAL = "study.journal"
_NAME = "splitsr"
_SETTINGS, _FOUND = "settings", "found"


def open_study(settings: Settings, out: Path) -> optuna.Study:
    """Opens the search of a folder, or begins one.

    What an earlier call left unfinished is proposed again.

    Raises:
        ConfigError: the folder has a search of other settings.
        DataError: its journal is damaged.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    out.mkdir(parents=True, exist_ok=True)
    path = out / JOURNAL
    _mend(path)
    directions = [StudyDirection.MAXIMIZE] + [StudyDirection.MINIMIZE] * len(settings.budget.limits)
    try:
        storage = JournalStorage(JournalFileBackend(str(path)))
        begun = [study.study_name for study in storage.get_all_studies()]
        study = optuna.create_study(
            storage=storage, study_name=_NAME, directions=directions, load_if_exists=True
        )
    except (ValueError, KeyError) as error:
        raise DataError(f"{path}: damaged ({error}); choose another folder") from error
    if _NAME in begun:
        _require_same(settings, study, out)
    else:
        study.set_user_attr(_SETTINGS, msgspec.to_builtins(settings))
        for params in STARTS:
            study.enqueue_trial(params)
    # Of another seed for every call: else the numbers of the first would come again.
    seed = settings.seed + len(study.get_trials(deepcopy=False))
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    _propose_again(study)
    return study


def keep(trial: optuna.Trial, found: Trial) -> None:
    """Writes down what is known of a proposal."""
    trial.set_user_attr(_FOUND, msgspec.to_builtins(found))


def kept(study: optuna.Study) -> tuple[Trial, ...]:
    """What is known of all proposals that are done, each network once, in order."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    trials = (msgspec.convert(trial.user_attrs[_FOUND], Trial) for trial in done)
    by_spec: dict[bytes, Trial] = {}
    for trial in trials:
        by_spec.setdefault(msgspec.json.encode(trial.spec), trial)
    return tuple(by_spec.values())


def _mend(path: Path) -> None:
    """Drops a last line that a killed process left without an end: the next would join it."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)


def _require_same(settings: Settings, study: optuna.Study, out: Path) -> None:
    """Raises ConfigError, naming the first difference, if a search has other settings."""
    now = msgspec.to_builtins(settings)
    before = study.user_attrs.get(_SETTINGS, {})
    for name, value in _flat(now).items():
        earlier = _flat(before).get(name)
        if earlier != value:
            raise ConfigError(
                f"{out}: holds a search with other settings ({name}: {earlier}, now {value}); "
                "choose another --out, or give the same options"
            )


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        flat |= value if isinstance(value, dict) else {name: value}
    return flat


def _propose_again(study: optuna.Study) -> None:
    """Puts what was interrupted back into the queue; its training resumes."""
    stale: list[FrozenTrial] = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    for trial in stale:
        study.tell(trial.number, state=TrialState.FAIL)
        if trial.params:
            study.enqueue_trial(trial.params)
