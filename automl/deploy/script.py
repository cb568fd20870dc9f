"""A candidate of a run as a script that its owner can read, run and go on writing, made of plain libraries only.

Features are built with pandas and scikit-learn as the family needs them, the model is the library's own estimator with
the same hyperparameters, and the rows of each fold are those of the run. What is done otherwise stands at its top.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain, count
from pathlib import Path
from pprint import pformat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl.data.codes import pattern
from automl.data.constraints import FREE
from automl.data.json_rows import outer
from automl.data.numerals import Style, parse_numbers
from automl.data.reading import Reading
from automl.data.table import Column, Kind, Task
from automl.deploy.scores import Scoring
from automl.deploy.template import render
from automl.errors import AutoMLError, UsageError, suggestion
from automl.evaluation.leaderboard import Row
from automl.features.encode import ENCODED, ONE_HOT, SMOOTHING, SPARSE_LEVELS, SPARSE_ROWS
from automl.features.matrix import Needs
from automl.models.base import FitContext, LibraryEstimator
from automl.models.registry import get_family
from automl.tuning.configuration import Configuration
from automl.tuning.journal import Journal, Trial
from automl.tuning.matrices import load_features
from automl.tuning.problem import Problem
from automl.tuning.review import leaderboard
from automl.tuning.store import StoredRun, read_run

_READERS: Final = {
    "parquet": "read_parquet(path).reset_index()",  # one with names is columns
    "arrow": "read_feather(path)",
    "json": 'read_json(path, lines=not Path(path).read_bytes().lstrip().startswith(b"["))',
}
_LIBRARIES: Final = {"parquet": "pyarrow", "arrow": "pyarrow", "excel": "openpyxl"}
"""What pandas reads a format with."""
_SCALERS: Final = {
    "standard": "StandardScaler()",
    "robust": "RobustScaler()",
    "quantile": 'QuantileTransformer(output_distribution="normal")',
}
_IMPORTS: Final = "# imports"
"""The line of the template that becomes the imports, which follow from the code."""
_WORDS: Final = "TfidfVectorizer(sublinear_tf=True, min_df=2)"


def write_script(run: Path, candidate: str | None, to: Path) -> None:
    """Write ``train.py``, the folds and the requirements of a candidate into a new folder.

    Parameters
    ----------
    run
        Run folder.
    candidate
        As the leaderboard names it; None = the best.

    Raises
    ------
    ArtifactError
        If it is not a run folder.
    UsageError
        If there is no such candidate, or it did not come as far as a score.
    AutoMLError
        If no library has anything like its family.
    """
    stored, journal = read_run(run), Journal(run)
    if stored.problem.task.levels:
        raise AutoMLError("a run for quantiles has no likeness in plain libraries; export an artifact instead")
    row = _chosen(leaderboard(run).rows, candidate)
    trial = journal.trial(row.candidate)
    first = next(iter(trial.folds.values()))
    features = load_features(journal.features, first.recipe, first.fold)
    plan = _Plan.of(stored, trial, features.parts.texts)
    to.mkdir()
    facts = plan.facts() | _facts(stored, row)
    code = render("code", "train.py.jinja", facts)
    imports = "\n".join(_imports(code, plan.estimator, facts["scoring"]))
    (to / "train.py").write_text(code.replace(_IMPORTS, imports, 1), encoding="utf-8")
    np.save(to / "folds.npy", _folds(stored.problem))
    reader = _LIBRARIES.get(stored.about.reading.format, "pandas")
    needed = {"pandas", "scikit-learn", reader, get_family(trial.candidate.family).library} - {"numpy"}  # comes along
    pins = "".join(f"{name}=={version(name)}\n" for name in sorted(needed))
    (to / "requirements.txt").write_text(pins, encoding="ascii")


def _chosen(rows: Sequence[Row], candidate: str | None) -> Row:
    """Return the row of the leaderboard that is asked for."""
    scored = {row.candidate: row for row in rows if row.score is not None}
    if not scored:
        raise UsageError("this run has no candidate with a score; resume it with more time")
    wanted = next(iter(scored)) if candidate is None else candidate
    if wanted not in scored:
        raise UsageError(
            f"no candidate {wanted!r} with a score in this run{suggestion(wanted, scored)}; see `automl leaderboard`"
        )
    return scored[wanted]


def _folds(problem: Problem) -> NDArray[np.int8]:
    """Return (folds, rows): 0 where a fold trains on a row, 1 where it validates it, 2 where it leaves it out."""
    roles = np.full((problem.folds.final, len(problem.y)), 2, np.int8)
    for fold, role in enumerate(roles):
        train, valid = problem.folds.split(fold)
        role[train], role[valid] = 0, 1
    return roles


def _facts(stored: StoredRun, row: Row) -> dict[str, Any]:
    """Return what the script says of the table, the target and the score."""
    problem, reading = stored.problem, stored.about.reading
    assert row.score is not None
    scoring = Scoring.of(problem.metric.name, problem.task)
    numbers = parse_numbers(reading.na, Style(decimal=reading.decimal))
    return {
        "candidate": row.candidate,
        "read": _read(reading),
        "unknown": numbers[np.isfinite(numbers)].tolist(),
        "decimal_comma": reading.decimal == ",",
        "target": repr(problem.task.target),
        "labels": _labels(problem.task),
        "classes": repr(list(problem.task.classes)),
        "problem_type": problem.task.problem_type,
        "weight": repr(stored.about.weight) if stored.about.weight else None,
        "scoring": scoring,
        "leaderboard": f"{row.score.value:.5g}" if scoring.name == problem.metric.name else None,
        "metric": problem.metric.name,
        "forward": problem.folds.forward,
    }


def _read(reading: Reading) -> str:
    """Return the call that reads a table as the run did, behind ``pandas.``."""
    if reading.format in _READERS:
        plain = _READERS[reading.format]  # objects in cells are columns, too
        return f'json_normalize(pd.{plain}.to_dict("records"))' if outer(reading.header) else plain
    excel = reading.format == "excel"
    options: dict[str, object] = {"sheet_name": reading.sheet or 0} if excel else {"dtype": str}
    if reading.format == "csv":
        options |= {"sep": reading.delimiter or ",", "encoding": reading.encoding or "utf-8"}
    options |= {"skiprows": reading.skipped} if reading.skipped else {}
    options |= {"na_values": list(reading.na)} if reading.na else {}
    given = "".join(f", {name}={'str' if value is str else repr(value)}" for name, value in options.items())
    return f"{'read_excel' if excel else 'read_csv'}(path{given})"


def _labels(task: Task) -> str | None:
    """Return the expression that turns a column of classes into codes; None for numbers."""
    if not task.classes:
        return None
    if any(isinstance(label, str) for label in task.classes):
        return "words(frame[TARGET]).map({label.strip(): code for code, label in enumerate(CLASSES)})"
    if isinstance(task.classes[0], bool):
        return "words(frame[TARGET]).str.lower().map({str(label).lower(): code for code, label in enumerate(CLASSES)})"
    return "numbers(frame[TARGET]).map({label: code for code, label in enumerate(CLASSES)})"


@dataclass(frozen=True, slots=True)
class _Plan:
    """A candidate in words of the libraries."""

    family: str
    estimator: LibraryEstimator
    needs: Needs
    log: bool
    columns: Sequence[tuple[str, Column, str]]
    """Plain names that every library takes, the columns that models see, and those of the table they are read from."""
    classification: bool
    weighted: bool
    resampled: bool
    constrained: bool
    random_state: int

    @classmethod
    def of(cls, stored: StoredRun, trial: Trial, texts: Collection[str]) -> _Plan:
        """Look a candidate up, whose features read some columns of the typed frame as text."""
        problem, family = stored.problem, get_family(trial.candidate.family)
        configuration = Configuration.of(trial.candidate.params)
        context = FitContext(
            problem.shape,
            random_state=problem.random_state,
            quantile=problem.metric.quantile,
            power=configuration.power,
        )
        estimator = family.estimator(configuration.own, context, trial.details(problem.folds.recent))
        if estimator is None:
            raise AutoMLError(f"family {family.name!r} has no likeness in a plain library; export an artifact instead")
        return cls(
            family.name,
            estimator,
            configuration.needs(family),
            configuration.log,
            tuple(_named(problem.schema.without_words(texts).typed)),
            problem.task.problem_type.classification,
            problem.weighted or problem.metric.relative,
            bool(configuration.resample),
            problem.constraints != FREE,
            problem.random_state,
        )

    def facts(self) -> dict[str, Any]:
        """Return what the template asks for."""
        params = {name: pformat(value, width=100) for name, value in self.estimator.params.items()}
        steps = self._steps()
        return {
            "estimator": self.estimator,
            "params": params,
            "numeric": self._of(Kind.NUMERIC),
            "vectors": self._vectors(),
            "around": self._around(),
            "boolean": {name: (source, column.categories) for name, column, source in self._kind(Kind.BOOLEAN)},
            "categorical": self._of(Kind.CATEGORICAL),
            "dates": {name: (source, column.format) for name, column, source in self._kind(Kind.DATETIME)},
            "texts": self._of(Kind.TEXT),
            "pieces": self._pieces(),
            "typed": self.needs.categories == "codes",
            "steps": steps,
            "target_transformer": self._target(),
            "topics": self.needs.text == "svd" and bool(self._of(Kind.TEXT)),
            "differs": tuple(self._differences()),
        }

    def _kind(self, kind: Kind) -> Iterator[tuple[str, Column, str]]:
        return ((name, column, source) for name, column, source in self.columns if column.kind is kind)

    def _pieces(self) -> dict[str, tuple[str, str]]:
        """Return the columns of pieces of codes, by name: the columns of codes, and what the pieces are found by."""
        pieces = ((name, column, source) for name, column, source in self.columns if column.name != source)
        return {name: (source, pattern(column.built)) for name, column, source in pieces if column.built}

    def _vectors(self) -> dict[str, list[str]]:
        """Return the names of the numbers of each column of several."""
        vectors: dict[str, list[str]] = {}
        for name, column, source in self.columns:
            if column.length:
                vectors.setdefault(source, []).append(name)
        return vectors

    def _around(self) -> dict[str, str]:
        """Return the columns of the texts around numbers, by name: the columns that both are in."""
        several = self._vectors()
        return {name: source for name, column, source in self.columns if source in several and not column.length}

    def _of(self, kind: Kind) -> dict[str, str]:
        plain = ((name, source) for name, column, source in self._kind(kind) if not column.length)
        made = {*self._pieces(), *self._around()}
        return {name: name if name in made else source for name, source in plain}

    def _steps(self) -> list[tuple[str, str, str]]:
        """Return the transformers: their names, and the expressions that make them and their columns."""
        needs, seed = self.needs, self.random_state
        scaler = _SCALERS.get(needs.scaling)
        number = ['SimpleImputer(strategy="median", add_indicator=True)'] if needs.missing == "impute" else []
        few = ONE_HOT if needs.categories == "onehot" else ENCODED
        low = [name for name, column, _ in self._kind(Kind.CATEGORICAL) if len(column.categories) <= few]
        high = [name for name in self._of(Kind.CATEGORICAL) if name not in low]
        ordinal = 'OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)'
        coded = {"codes": '"passthrough"', "numbers": ordinal, "onehot": 'OneHotEncoder(handle_unknown="ignore")'}
        scaling = [scaler] if scaler else []
        steps = [("number", _chain([*number, *scaling]), "NUMBERS")]
        coded_columns = low + high if needs.categories == "codes" else low
        if coded_columns:
            steps.append(("category", coded[needs.categories], repr(coded_columns)))
        if high and needs.sparse:
            most = f"min_frequency={SPARSE_ROWS}, max_categories={SPARSE_LEVELS}"
            steps.append(("categories", f'OneHotEncoder(handle_unknown="ignore", {most})', repr(high)))
        elif high:
            steps.append(
                ("mean", _chain([f"TargetEncoder(smooth={SMOOTHING}, random_state={seed})", *scaling]), repr(high))
            )
        words = _WORDS if needs.text == "tfidf" else _chain([f"Topics(random_state={seed})", *scaling])
        return steps + [(f"text{number}", words, repr(name)) for number, name in enumerate(self._of(Kind.TEXT))]

    def _target(self) -> str:
        """Return the transformer of the target, if it has one."""
        log = "FunctionTransformer(np.log1p, np.expm1)" if self.log else None
        scale = "StandardScaler()" if self.estimator.scaled_target and not self.classification else None
        used = [step for step in (log, scale) if step]
        return _chain(used) if used else ""

    def _differences(self) -> Iterator[str]:
        """Yield what the script does otherwise than the run, in words."""
        yield from self.estimator.differs
        if self.needs.arithmetic:
            yield "automl gave this candidate sums, differences, products and quotients of columns too"
        if self._of(Kind.TEXT):
            yield "automl also fits a small model to each text, whose prediction is a column"
        if self.resampled:
            yield "automl trained this candidate on resampled rows"
        if self.constrained:
            yield "the constraints of the run are not kept to"
        if self.weighted:
            yield "rows and classes were weighted; here all count alike"
        yield "columns are read and encoded in fewer ways; a classification metric is not given a threshold of its own"


def _named(columns: Sequence[tuple[Column, str]]) -> Iterator[tuple[str, Column, str]]:
    """Yield the columns with names of letters, digits and underscores, no two alike."""
    taken: set[str] = set()
    for column, source in columns:
        plain = re.sub(r"\W+", "_", column.name, flags=re.ASCII).strip("_") or "column"
        name = next(name for name in chain([plain], (f"{plain}_{i}" for i in count(2))) if name not in taken)
        taken.add(name)
        yield name, column, source


def _chain(steps: Sequence[str]) -> str:
    """Return one expression for steps that follow each other."""
    if not steps:
        return '"passthrough"'
    return steps[0] if len(steps) == 1 else f"make_pipeline({', '.join(steps)})"


_HOMES: Final[Mapping[str, tuple[str, ...]]] = {
    "sklearn.base": ("BaseEstimator", "TransformerMixin"),
    "sklearn.compose": ("ColumnTransformer", "TransformedTargetRegressor"),
    "sklearn.decomposition": ("TruncatedSVD",),
    "sklearn.feature_extraction.text": ("TfidfVectorizer",),
    "sklearn.impute": ("SimpleImputer",),
    "sklearn.pipeline": ("make_pipeline",),
    "sklearn.preprocessing": (
        "FunctionTransformer",
        "OneHotEncoder",
        "OrdinalEncoder",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
        "TargetEncoder",
    ),
}


def _imports(code: str, estimator: LibraryEstimator, scoring: Scoring) -> list[str]:
    """Return the lines that import what a script names, in their order."""
    homes = {estimator.module: [estimator.name], "sklearn.metrics": [scoring.function]}
    for module, names in _HOMES.items():
        if used := [name for name in names if re.search(rf"\b{name}\b", code)]:
            homes[module] = used
    for name, module in estimator.imports.items():
        homes.setdefault(module, []).append(name)
    return [f"from {module} import {', '.join(homes[module])}" for module in sorted(homes)]
