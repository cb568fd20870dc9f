"""Writes the small tables of this folder, the same bytes every time: ``python datasets/make.py [FOLDER]``.

``breast_cancer.csv`` (target ``diagnosis``), ``wine.csv`` (target ``cultivar``) and ``diabetes.csv`` (target
``progression``) come with scikit-learn. ``churn.csv`` (target ``churn``) is made up, and messy as real exports are.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

CUSTOMERS = 1200
TODAY = date(2025, 6, 30)
DIABETES = [
    "age",
    "sex",
    "bmi",
    "blood_pressure",
    "total_cholesterol",
    "ldl",
    "hdl",
    "cholesterol_ratio",
    "log_triglycerides",
    "glucose",
]

PLANS = {"Basic": 19.0, "Plus": 49.0, "Pro": 129.0, "Enterprise": 1150.0}
PAYMENTS = ["credit card", "bank transfer", "invoice", "PayPal"]
TOWN_STARTS = [
    "Oak",
    "River",
    "Stone",
    "Ash",
    "Green",
    "Lake",
    "North",
    "Mill",
    "Fair",
    "Spring",
    "West",
    "Clear",
    "High",
    "Elm",
]
TOWN_ENDS = ["field", "ton", "ville", "brook", "ford", "dale", "port", "wood", "bury", "haven"]
LEVELS = ["Junior", "Senior", "Lead", "Chief", "Assistant", "Deputy"]
JOBS = ["Accountant", "Engineer", "Nurse", "Teacher", "Buyer", "Analyst", "Designer", "Chemist", "Planner", "Editor"]
UNHAPPY = [
    "the app crashes every time I export a report",
    "support never called me back about the wrong invoice",
    "far too expensive for what it does",
    "thinking about a cheaper competitor",
    "slow pages and another outage last week",
]
HAPPY = [
    "works well for our whole team",
    "love the new dashboard and the quick answers",
    "easy to set up, no complaints so far",
    "great value, already told my friends",
    "does what it promises and the support is kind",
]
NEUTRAL = [
    "uses it mainly at the end of the month",
    "asked how to add a second user",
    "wants a call about training dates",
]

Row = Sequence[object]


def write(path: Path, header: Row, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def number(value: float) -> str:
    return f"{value:.10g}"


def breast_cancer(folder: Path) -> None:
    data = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in data.feature_names]
    rows = [[*map(number, row), data.target_names[label]] for row, label in zip(data.data, data.target, strict=True)]
    write(folder / "breast_cancer.csv", [*names, "diagnosis"], rows)


def wine(folder: Path) -> None:
    data = load_wine()
    names = [str(name).replace("/", "_") for name in data.feature_names]
    rows = [[*map(number, row), f"cultivar {label + 1}"] for row, label in zip(data.data, data.target, strict=True)]
    write(folder / "wine.csv", [*names, "cultivar"], rows)


def diabetes(folder: Path) -> None:
    data = load_diabetes(scaled=False)
    rows = [[*map(number, row), number(value)] for row, value in zip(data.data, data.target, strict=True)]
    write(folder / "diabetes.csv", [*DIABETES, "progression"], rows)


class Chance:
    """Draws from nothing but uniform numbers: their sequence is the same in every version of Python."""

    def __init__(self, seed: int) -> None:
        self.uniform = Random(seed).random

    def happens(self, probability: float) -> bool:
        return self.uniform() < probability

    def choose(self, options: Sequence[str], skew: float = 1.0) -> str:
        """Return one of the options; a skew above 1 prefers the first ones."""
        return options[int(len(options) * self.uniform() ** skew)]

    def normal(self) -> float:
        return sum(self.uniform() for _ in range(12)) - 6.0


def churn(folder: Path) -> None:
    chance = Chance(7)
    header = [
        *("customer_id", "signup_date", "last_login", "town", "job_title", "age", "plan", "monthly_fee", "discount"),
        *("payment", "autopay", "support_calls", "logins_per_week", "newsletter", "country", "note", "churn"),
    ]
    write(folder / "churn.csv", header, [customer(i, chance) for i in range(CUSTOMERS)])


def customer(i: int, chance: Chance) -> list[object]:
    towns = [start + end for start in TOWN_STARTS for end in TOWN_ENDS]
    jobs = [f"{level} {job}" for job in JOBS for level in LEVELS]
    tenure = int(30 + 1800 * chance.uniform() ** 1.5)
    idle = int(90 * chance.uniform() ** 3)
    town, job = chance.choose(towns, 1.6), chance.choose(jobs, 1.2)
    plan, payment = chance.choose(list(PLANS), 1.8), chance.choose(PAYMENTS, 1.4)
    discount = int(4 * chance.uniform()) * 5
    fee = PLANS[plan] * (1 - discount / 100) * (1 + 0.05 * chance.normal())
    age = min(90.0, max(18.0, 43 + 13 * chance.normal()))
    autopay, calls, logins = chance.happens(0.6), int(5 * chance.uniform() ** 2.2), 14 * chance.uniform() ** 1.5
    mood = chance.normal()
    risk = -2.3 + 0.045 * idle + 0.45 * calls - 0.14 * logins - 0.0012 * (tenure - 500) - 0.9 * autopay - 1.3 * mood
    risk += 1.2 * (payment == "invoice") + 0.8 * (plan == "Basic") + 0.9 * town.startswith("Mill") - 0.02 * (age - 43)
    leaves = chance.happens(1 / (1 + math.exp(-1.3 * (risk + 0.1))))
    note = chance.choose(UNHAPPY if mood < -0.5 else HAPPY if mood > 0.5 else NEUTRAL)
    visits = "" if chance.happens(0.5) else f", {int(60 * chance.uniform()) + 1} minutes on the phone"
    return [
        f"C-{(i * 7919) % 90000 + 10000}",
        (TODAY - timedelta(days=tenure)).strftime("%d/%m/%Y"),
        "" if chance.happens(0.06) else f"{TODAY - timedelta(days=idle)} {int(24 * chance.uniform()):02d}:30:00",
        town if chance.happens(0.97) else "",
        job if chance.happens(0.9) else "N/A",
        f"{age:.0f}" if chance.happens(0.92) else "?",
        plan,
        f"${fee:,.2f}",
        f"{discount}%" if discount or chance.happens(0.5) else "-",
        payment,
        "yes" if autopay else "no",
        calls if chance.happens(0.96) else "unknown",
        f"{logins:.1f}",
        "TRUE" if chance.happens(0.3) else "FALSE",
        "Freedonia",
        note + visits if chance.happens(0.85) else "",
        "yes" if leaves else "no",
    ]


def main(folder: Path) -> None:
    for make in (breast_cancer, wine, diabetes, churn):
        make(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
