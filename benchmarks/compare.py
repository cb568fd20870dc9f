"""Compare engines on a folder of data sets: ``python -m benchmarks.compare FOLDER [--engines a,b] [--time 60] ...``.

A data set is a folder with ``train.csv[.gz]``, ``test.csv[.gz]`` and ``meta.json``. Engines are run one after the
other, each in fresh processes on the same cores with the same budget; a run is one line of ``--output``. A run that has
a line is skipped, so a stopped comparison goes on when it is called again; failed runs are repeated with ``--retry``
only. At the end the summary is printed and written beside the results, as it is by ``python -m benchmarks.summary``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Conditions, measure
from benchmarks.results import append, read
from benchmarks.roster import ENGINES, OURS, Engine
from benchmarks.summary import write

QUICK_ENGINES = "ours,lightgbm,catboost,flaml"
QUICK_SETS = "auto_mpg,credit_g,eucalyptus,oil_spill"
QUICK_SECONDS = "20"


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    engines = options.engines.split(",") if options.engines else available(options.environments)
    unknown = set(engines) - set(ENGINES)
    if unknown:
        sys.exit(f"--engines must be of {', '.join(ENGINES)}; got {', '.join(sorted(unknown))}")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    done = {key(result) for result in read([options.output]) if not (options.retry and result.get("error"))}
    for place, engine, conditions in plan(options, engines):
        name = f"{engine.name}-{options.label}" if options.label and engine.ours else engine.name
        wanted = {"engine": name, "set": place.name, "time": conditions.time, "seed": conditions.seed}
        if key(wanted | {"busy": conditions.busy}) in done:
            continue
        result = run(engine, name, place, conditions, options.runs)
        append(options.output, result)
        said = result.get("error") or f"{result['metric']} {result['score']:.5g} after {result['fit_seconds']:.1f} s"
        print(f"{place.name} {name} {conditions.time:g} s: {said}", file=sys.stderr)
    if not options.no_summary:
        print(write(read([options.output]), options.output.with_suffix("")))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engines", help=f"of {', '.join(ENGINES)}; by default those whose environment is there")
    parser.add_argument("--sets", help="names of data sets, separated by commas; by default all")
    parser.add_argument("--time", help="seconds of a fit, or several budgets: 60,300", default="60")
    parser.add_argument("--seeds", default="0", help="seeds, separated by commas")
    parser.add_argument("--cores", type=int, help="cores that an engine may use; by default all")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="processes that burn a core during the fits")
    parser.add_argument(
        "--environments", type=Path, default=Path("environments"), help="made by benchmarks.environments"
    )
    parser.add_argument("--output", type=Path, default=Path("results.jsonl"))
    parser.add_argument("--runs", type=Path, help="keep the folders of the runs here")
    parser.add_argument("--label", help="name of this version of ours in the results: ours-LABEL")
    parser.add_argument("--retry", action="store_true", help="repeat the runs that failed")
    parser.add_argument("--no-summary", action="store_true", help="only measure")
    parser.add_argument(
        "--quick", action="store_true", help=f"10 minutes: {QUICK_ENGINES} on {QUICK_SETS} at {QUICK_SECONDS} s"
    )
    options = parser.parse_args(arguments)
    if options.quick:
        options.engines = options.engines or QUICK_ENGINES
        options.sets, options.time = options.sets or QUICK_SETS, QUICK_SECONDS
    return options


def available(environments: Path) -> list[str]:
    """Return ours and the peers that are installed."""
    return [OURS, *(each.name for each in ENGINES.values() if not each.ours and each.python(environments).exists())]


def plan(options: argparse.Namespace, engines: list[str]) -> Iterator[tuple[Path, Engine, Conditions]]:
    """Yield all runs, set by set, so that an early stop leaves whole comparisons."""
    wanted = options.sets.split(",") if options.sets else None
    for place in (file.parent for file in sorted(options.folder.glob("*/meta.json"))):
        if wanted and place.name not in wanted:
            continue
        for seconds in map(float, options.time.split(",")):
            for seed in map(int, options.seeds.split(",")):
                for name in engines:
                    cores = len(os.sched_getaffinity(0))
                    yield place, ENGINES[name], Conditions(seconds, seed, cores, options.busy, options.environments)


def run(engine: Engine, name: str, place: Path, conditions: Conditions, runs: Path | None) -> dict[str, Any]:
    """Measure in a folder that is kept below ``runs``, or in one that is not kept."""
    inside = f"{name}@{conditions.time:g}/{place.name}-{conditions.seed}"
    if runs is not None:
        return measure(engine, name, place, conditions, runs.absolute() / inside)
    with tempfile.TemporaryDirectory() as folder:
        return measure(engine, name, place, conditions, Path(folder) / inside)


def key(result: dict[str, Any]) -> str:
    """Return what makes a run the same run."""
    return json.dumps([result[name] for name in ("engine", "set", "time", "seed", "busy")])


if __name__ == "__main__":
    main()
