"""The story of a fit: read, understand, plan, train, keep the best."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral
from pathlib import Path
from time import time as now
from typing import Any, Self

import numpy as np

from automl.config import AS_FOUND, FitConfig, Preset, ReadOptions, Scheduler
from automl.data.schema_file import read_schema
from automl.data.source import display, is_path, path_of
from automl.data.training import TrainingTable
from automl.errors import UsageError, option
from automl.estimator import seed_of
from automl.evaluation.costs import CostsLike, read_costs
from automl.evaluation.custom import MetricLike, metric_name, silent_on_sign
from automl.evaluation.splits import Pairs, Splitter
from automl.fitted import Fitted
from automl.models.base import Family
from automl.models.registry import named_families
from automl.preparation import able_families, prepare
from automl.tuning import store
from automl.tuning.driver import SearchProcess, searching
from automl.tuning.engine import Engine
from automl.tuning.journal import Journal
from automl.tuning.progress import OnProgress, Reporter
from automl.tuning.store import StoredRun


@dataclass(kw_only=True, eq=False, repr=False)
class AutoML(Fitted):
    """Find the best model for a table in a given time.

    Parameters
    ----------
    time_budget
        Seconds of wall time, everything included. Default: the preset's (fast 60, balanced 300, best 3600), or no limit
        if ``max_trials`` is given.
    max_trials
        Candidates to train. Without a time budget, equal seeds give equal results.
    metric
        What to optimise; default ROC AUC (binary), log loss (multiclass), RMSE (regression), pinball loss averaged over
        the levels (quantile). A name, also scikit-learn's, such as ``pinball@0.9``; or one of your own: a function of
        target and prediction, its ``module:function``, or a :class:`~automl.evaluation.metric.Metric`. Of classes it
        gets codes, and (rows, classes) probabilities by code: 0, 1, ... in sorted order, but in that of categories
        which have one, and the ``positive`` class is 1. Greater values are better, unless the function has an attribute
        ``greater_is_better`` that is False.
    cost_matrix
        ``{true class: {predicted class: cost}}``, or a CSV or JSON file of it, or a frame whose rows are the true
        classes; what is optimised is the mean cost.
    positive
        The positive one of two classes, which metrics such as F1 are about; default: the second in sorted order.
    class_weight
        ``balanced``, or ``{class: weight}``: how much more rows of a class count in training. Scores do not change.
    resample
        Whether to try models that are trained on fewer rows of frequent classes or more of rare ones, too, if a class
        has less than 10 % of the rows; their probabilities are corrected. Rarely worth its time. Needs imbalanced-learn
        (``pip install 'automl[imbalance]'``).
    families
        The model families to train, such as ``("lightgbm", "linear")``, or to leave out, such as ``("-mlp",)``.
        Default: all that suit the problem. Families of your own come in by :func:`automl.register_family`.
    problem_type
        ``binary``, ``multiclass``, ``regression`` or ``quantile``; default: inferred from the target. To scikit-learn's
        tools it is a classifier before the fit only if this or another option, such as the metric, says so: then their
        splits have rows of every class.
    quantiles
        What to predict of a target of numbers instead of its mean, such as ``(0.1, 0.5, 0.9)``: below the quantile of
        level 0.1 lies the value in one of ten rows. Predictions are then (rows, levels), by rising level.
    types
        Kinds of columns by name, such as ``{"zip": "categorical"}``: numeric, categorical, text, datetime, boolean,
        vector, identifier, constant or duplicate. Default: inferred from the values.
    schema
        A file that ``automl schema`` wrote and people edited, or its content; columns that it does not name are
        inferred. ``types`` win over it.
    monotone
        ``{"size": "increasing", "age": "decreasing"}``: the prediction, of two classes the probability of the positive
        one, never falls or rises with that number while the others stay. Only families that keep to it are trained.
    interactions
        Groups of columns, such as ``[["size", "age"], ["price"]]``: columns of different groups do not meet in a tree.
        The columns that are not named are one further group.
    read
        How the training file is written, such as ``ReadOptions(sep=";", decimal=",", na=["n.v."])``. Default: decided
        from its content. Later files are read the same way.
    preset
        ``fast``, ``balanced`` or ``best``: how long to try. ``fast`` also keeps what is cheap to serve, one model of
        each of the best two candidates instead of one a fold of all that help: several times quicker, and a little
        worse.
    folds
        Splits for cross-validation; default: by the number of rows and the time. Or a splitter of scikit-learn, such as
        ``GroupKFold(5)``, or a list of (train, valid) row numbers.
    repeats
        Times that the rows are split into folds, each time anew: of a few dozen rows one split tells little. It takes
        as many times longer.
    scheduler
        Who stops searched candidates early: ``asha``, ``hyperband`` or ``none``.
    n_jobs, memory, gpus
        Cores, bytes and GPUs to use; default: all cores (also -1), 80 % of the free memory, no GPU.
    ray_address
        A running Ray cluster, whose machines share the run folder; default: this machine.
    random_state
        Seed of everything that does not depend on the clock. None, or a generator of numpy, draws one, which the run
        keeps.
    output
        The run folder; default ``runs/<time>``.
    on_progress
        Called with a :class:`~automl.tuning.progress.Snapshot` as the run goes on. Without it, what may mislead is a
        :class:`~automl.errors.DataWarning`.

    Attributes
    ----------
    predictor_ : the best :class:`~automl.predictor.Predictor`, which is saved in the run folder
    score_ : its out-of-fold score (value, low, high); the interval is expected to hold on new data
    leaderboard_ : pandas frame, one row a candidate
    classes_ : the sorted class labels, as scikit-learn's tools expect them; None for numbers
    feature_names_in_, n_features_in_ : the columns of the training table, the target aside
    problem_type_, metric_, run_, seconds_
    stopped_ : why it ended: ``deadline``, ``trials``, ``exhausted`` (nothing was left to try) or ``interrupted``

    Examples
    --------
    >>> from automl import AutoML
    >>> model = AutoML(time_budget=60, max_trials=1).fit("churn.csv", target="churn")
    >>> model.metric_, 0.5 < model.score_.low < model.score_.high
    ('roc_auc', True)
    >>> model.predict_proba("new.csv").shape
    (5, 2)
    """

    time_budget: float | None = None
    max_trials: int | None = None
    metric: MetricLike | None = None
    cost_matrix: CostsLike | None = None
    problem_type: str | None = None
    quantiles: Sequence[float | str] | None = None
    positive: str | int | float | bool | None = None
    class_weight: str | Mapping[Any, float] | None = None
    resample: bool = False
    families: Sequence[str] | None = None
    types: Mapping[str, str] | None = None
    schema: str | Path | Sequence[Mapping[str, Any]] | None = None
    monotone: Mapping[str, str] | None = None
    interactions: Sequence[Sequence[str]] | None = None
    read: ReadOptions | None = None
    preset: Preset = "balanced"
    folds: int | Splitter | Pairs | None = None
    repeats: int = 1
    scheduler: Scheduler = "asha"
    n_jobs: int | None = None
    memory: int | None = None
    gpus: int | None = None
    ray_address: str | None = None
    random_state: int | np.random.RandomState | np.random.Generator | None = 0
    output: str | Path | None = None
    on_progress: OnProgress | None = None

    def fit(
        self,
        X: object,
        y: object = None,
        *,
        target: Hashable = None,
        weight: object = None,
        sample_weight: object = None,
        groups: object = None,
        time: object = None,
        fold: object = None,
        valid: object = None,
    ) -> Self:
        """Train until the time is up or interrupted, and keep the best model in the run folder.

        After Ctrl-C it returns as after its time. SIGTERM asks the program to end: when the best model is saved, it is
        raised again for whoever handled it before; if nobody did, the program ends.

        Rows are validated in random folds, unless one of ``groups``, ``time``, ``fold`` and ``valid`` says better. The
        first three are the name of a column of ``X``, which is no feature then, or one value a row.

        Parameters
        ----------
        X
            A table (pandas, polars, pyarrow, dict of lists) or what :func:`~automl.data.io.read_table` reads: a path, a
            pattern of paths, ``-`` for stdin, an address, the URL of a database.
        y
            (rows,) target values, if they are not a column of ``X``; the target has their name, or ``target``.
        target
            Name of the target column of ``X``; needed if ``y`` is not given.
        weight
            How much each row counts, in training and in scores: the name of a column of ``X``, which is no feature
            then, or one number of at least 0 a row. Rows of weight 0 are left out; only ratios matter.
        sample_weight
            The same by the name that scikit-learn's tools have for it.
        groups
            What rows of one patient, customer or machine share: no group is both trained on and validated.
        time
            When a row came to be, a date or a number. Models train on the past and are validated on the block of rows
            after it; the model is scored on the latest block. At the end its members are trained once more, on all
            rows: the score, and all that is told of it, are those of models that end one block earlier, and what is
            served also knows the newest rows.
        fold
            The fold in which a row is validated.
        valid
            A second table like ``X``, or ``(X, y)``: models train on the first and are validated on this one.

        Raises
        ------
        UsageError, DataError
            If an option or the table is wrong; nothing is written then.
        NoModelError
            If the time was too short for any model.
        """
        config = self._config()
        if sample_weight is not None:
            if weight is not None:
                raise UsageError("weight and sample_weight are the same; give one of them")
            weight = sample_weight
        reporter = Reporter(self.on_progress, now(), config.time_budget)
        if self.output is not None:  # before a table is read in vain
            store.require_free(path_of(self.output, "output"))
        with searching(config, self.metric, reporter) as search:  # Ray starts while the table is read
            table = TrainingTable.read(
                X, y, target, weight=weight, groups=groups, time=time, fold=fold, options=config.read
            )
            for warning in table.warnings:
                reporter.warn(warning)
            told = table.reading.describe()
            reporter.say(f"read {display(X)}: {told}" if is_path(X) else told)
            prepared = prepare(
                config,
                table,
                metric=self.metric,
                folds=self.folds if config.folds is None else config.folds,
                valid=valid,
                reporter=reporter,
            )
            root = store.new_folder(self.output, reporter.started)
            with store.claimed(root):
                store.create(root, prepared.run)
                reporter.say(f"run folder {root}; resume goes on from there, whatever happens")
                run, families, warnings = prepared.run, prepared.families, prepared.warnings()
                del table, prepared  # models train on the typed frame: that which was read takes memory for nothing
                return self._train(root, run, families, reporter, search, warnings)

    @classmethod
    def resume(
        cls,
        run: str | Path,
        *,
        time_budget: float | None = None,
        metric: MetricLike | None = None,
        on_progress: OnProgress | None = None,
    ) -> AutoML:
        """Go on with an interrupted run. No finished fold is lost, whatever ended it.

        ``time_budget`` gives it that many seconds from now, for any number of trials; by default it has what is left of
        its own time and trials. A ``metric`` of your own must be given again: its code is not in the run folder.
        """
        root = path_of(run, "the run folder")
        store.require_run(root)
        with store.claimed(root):
            stored = store.reopen_run(root, time_budget, metric)
            options: dict[str, Any] = {each.name: getattr(stored.config, each.name) for each in fields(FitConfig)}
            if stored.config.families is not None:  # those from outside the package must have been registered again
                named_families(stored.config.families)
            if metric is not None:
                options["metric"] = metric
            if stored.config.read == AS_FOUND:
                options["read"] = None
            model = cls(**options, output=root, on_progress=on_progress)
            reporter = Reporter(on_progress, stored.started, stored.config.time_budget)
            trials, most = Journal(root).trials(), stored.config.max_trials
            ended = sum(trial.status != "running" and trial.candidate.origin != "baseline" for trial in trials)
            if most is not None and ended >= most:
                reporter.warn(f"{ended} of {most} trials are done; give it {option('time_budget')}")
            with searching(stored.config, metric, reporter) as search:
                store.save_start(root, stored)
                families = able_families(stored.config, stored.problem, reporter)
                return model._train(root, stored, families, reporter, search)

    def _config(self) -> FitConfig:
        options = self.get_params() | {
            "folds": self.folds if isinstance(self.folds, Integral) else None,
            "metric": None if self.metric is None else metric_name(self.metric),
            "cost_matrix": None if self.cost_matrix is None else read_costs(self.cost_matrix),
            "positive": None if self.positive is None else str(self.positive),
            "schema": None if self.schema is None else read_schema(self.schema),
            "families": None if self.families is None else named_families(self.families),
            "read": self.read or AS_FOUND,
            "random_state": seed_of(self.random_state),
        }
        return FitConfig(**{name: value for name, value in options.items() if name not in ("output", "on_progress")})

    def _train(
        self,
        root: Path,
        run: StoredRun,
        families: Sequence[Family],
        reporter: Reporter,
        search: SearchProcess | None,
        warnings: Iterable[str] = (),
    ) -> Self:
        if search is not None:
            search.enter(root)
        for warning in warnings:  # looked for while Ray starts
            reporter.warn(warning)
        journal = Journal(root)
        engine = Engine(run, journal, families, search=search, reporter=reporter)
        self.stopped_ = engine.run()
        self.run_ = root.absolute()
        self._asked = self.metric, self.cost_matrix
        self.predictor_ = engine.predictor
        self._board, self._journal = engine.board, journal.frozen()
        self.seconds_ = now() - run.started
        if silent_on_sign(self.metric) and engine.best_is_baseline:
            way_out = "if its lower values are better, give it an attribute greater_is_better that is False"
            reporter.warn(f"by {self.metric_}, whose greater values are better, the baseline is best; {way_out}")
        return self


AutoML.options = {each.name: each.default for each in fields(AutoML) if each.init}
