"""Insights into single columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from automl.data.disguised import is_limit
from automl.data.identifiers import CHANCE
from automl.data.numerals import CURRENCIES, parse_numbers
from automl.data.table import Kind
from automl.insights.base import (
    SHOWN,
    Seen,
    Severity,
    code,
    counted,
    listed,
    one_spelling,
    share,
    spellings,
    together,
)
from automl.profile.record import ColumnProfile, Profile

LEAK = 0.95
"""Prediction power, or correlation with the target, that real columns seldom have."""
SUSPECT, ALONE = 0.75, 1.5
"""Prediction power that is suspicious where no other column comes near: this many times that of the next."""
MOSTLY = 0.5
"""Share of missing cells that is worth a word."""
MANY_CATEGORIES, MANY_SHARE = 100, 0.1
"""Categories, and their share of the rows, from which most have too few rows to learn from."""
REPEATED = (0.001, 0.7)
"""Share of different values of an identifier that names things with several rows each."""
FEWEST = 20
"""Different values that an identifier or a date needs before its repetition or its order says something."""


def leakage(profile: Profile) -> Iterator[Seen]:
    """A column that tells the target almost completely is most likely made from it."""
    target = profile.target
    if target is None:
        return
    powers = sorted(((column.power or 0.0, column.name) for column in profile.columns), reverse=True)
    certain = [name for power, name in powers if power > LEAK]
    way_out = "if it is not known when predictions are made, leave it out with"
    if len(certain) > SHOWN:
        evidence = f"each of {listed(certain)} alone tells {target.name!r} almost completely"
        fix = f"{way_out} {code('types', dict.fromkeys(certain[:SHOWN], 'identifier'))} ..."
        yield Seen(Severity.HIGH, tuple(certain), evidence, fix)
    elif certain:
        for power, name in powers[: len(certain)]:
            evidence = f"{name!r} alone tells {target.name!r} almost completely (prediction power {power:.2f} of 1)"
            yield Seen(Severity.HIGH, (name,), evidence, f"{way_out} {code('types', {name: 'identifier'})}")
    elif powers and powers[0][0] > max(SUSPECT, ALONE * (powers[1][0] if powers[1:] else 0.0)):
        power, name = powers[0]
        evidence = (
            f"{name!r} alone tells most of {target.name!r} (prediction power {power:.2f} of 1), no other comes near"
        )
        yield Seen(Severity.MEDIUM, (name,), evidence, f"{way_out} {code('types', {name: 'identifier'})}")


def target_correlation(profile: Profile) -> Iterator[Seen]:
    """A number that follows the target on a straight line, and not in a few far rows only, such as one of sums; silent
    where its power said so already."""
    if profile.target is None:
        return
    for column in profile.columns:
        ranks = abs(column.rank_correlation or 0.0)
        if abs(column.correlation or 0.0) > LEAK and ranks > SUSPECT and (column.power or 0.0) <= LEAK:
            evidence = f"{column.name!r} and {profile.target.name!r} are correlated by {column.correlation:.3f}"
            fix = f"if it is made from the target, leave it out with {code('types', {column.name: 'identifier'})}"
            yield Seen(Severity.HIGH, (column.name,), evidence, fix)


def uninformative(profile: Profile) -> Iterator[Seen]:
    """Columns that alone tell nothing of the target."""
    columns = [column for column in profile.columns if column.power == 0]
    fix = "keep them unless they are costly to collect: together with others they may tell something"
    yield from together(Severity.LOW, columns, "{columns} alone tell{s} nothing of the target", fix)


def constant(profile: Profile) -> Iterator[Seen]:
    """Columns of one value."""
    columns = [column for column in profile.columns if column.kind is Kind.CONSTANT]
    yield from together(Severity.LOW, columns, "{columns} hold{s} one value or none", "left out; nothing needs doing")


def duplicate_columns(profile: Profile) -> Iterator[Seen]:
    """Columns with exactly the cells of another one."""
    columns = [column for column in profile.columns if column.kind is Kind.DUPLICATE]
    yield from together(Severity.LOW, columns, "{columns} repeat{s} another column", "left out; nothing needs doing")


def identifier(profile: Profile) -> Iterator[Seen]:
    """Columns that name the rows."""
    columns = [c for c in profile.columns if c.kind is Kind.IDENTIFIER and not _orders_target(c)]
    fix = f"left out; {code('types', {'COL': 'text'})} or `numeric` uses one after all"
    yield from together(Severity.LOW, columns, "{columns} name{s} the rows and would not help with new ones", fix)


def telling_identifier(profile: Profile) -> Iterator[Seen]:
    """A row number whose order tells of the target: the table was sorted, or grew over time."""
    for column in profile.columns:
        if column.kind is Kind.IDENTIFIER and _orders_target(column):
            evidence = f"{column.name!r} numbers the rows, and its order tells of the target: it is used as a number"
            fix = f"if new rows are numbered otherwise, {code('types', {column.name: 'identifier'})} leaves it out"
            yield Seen(Severity.MEDIUM, (column.name,), evidence, fix)


def _orders_target(column: ColumnProfile) -> bool:
    return column.order_chance is not None and column.order_chance < CHANCE


def repeated_identifier(profile: Profile) -> Iterator[Seen]:
    """An identifier with several rows each: rows of one thing must not be in training and validation at once."""
    for column in profile.columns:
        low, high = (bound * profile.rows for bound in REPEATED)
        whole = column.kind is Kind.NUMERIC and column.numbers is not None and column.numbers.whole
        things = column.things if whole or column.kind is Kind.CATEGORICAL else None
        if things is not None and max(low, FEWEST) <= things < high:
            each = profile.rows * (1 - column.missing / profile.sampled) / things
            evidence = f"{column.name!r} looks like an identifier with {each:.1f} rows each"
            fix = f"if new rows belong to new ones, use {code('groups', column.name)}, or scores are too good"
            yield Seen(Severity.MEDIUM, (column.name,), evidence, fix)


def disguised_missing(profile: Profile) -> Iterator[Seen]:
    """Values that stand for a missing one."""
    for column in profile.columns:
        if found := [value for value in column.stray if _number(value)]:
            evidence = f"{column.name!r} hides missing values: {listed(found)}, apart from all other numbers"
            fix = "they count as missing; if they are real, delete them from `missing` in what `automl schema` writes"
            yield Seen(Severity.LOW, (column.name,), evidence, fix)
        if column.placeholders:
            said = ", ".join(f"{each.value} ({counted(each.count, 'row')})" for each in column.placeholders[:SHOWN])
            evidence = f"{column.name!r} may hide missing values: {said}"
            yield Seen(Severity.MEDIUM, (column.name,), evidence, "leave those cells empty if they mean that")


def _number(text: str) -> bool:
    return bool(np.isfinite(parse_numbers([text])[0]))


def cells_as_names(profile: Profile) -> Iterator[Seen]:
    """Names of columns that are rather cells of a first row; whole numbers that rise may number or date the columns."""
    found = [column.name for column in profile.columns if _is_cell(column)]
    whole = [int(name) if name.isdecimal() else None for name in found]
    rising = None not in whole and all(one < two for one, two in pairwise(filter(None, whole)))
    if len(found) > 1 and 2 * len(found) >= len(profile.columns) and not rising:
        evidence = f"{listed(found)} are columns, but look like cells: the first row has been read as names"
        yield Seen(Severity.HIGH, tuple(found), evidence, "add a line of names above it, or that row is lost")


def _is_cell(column: ColumnProfile) -> bool:
    """Return whether the name of a column is one of its frequent values, or a number among its numbers."""
    if column.numbers is None or column.kind is Kind.BOOLEAN:
        return column.name in {value.value for value in column.top}
    number = parse_numbers([column.name]).item()
    return column.kind is Kind.NUMERIC and column.numbers.quantiles[0] <= number <= column.numbers.quantiles[-1]


def mostly_missing(profile: Profile) -> Iterator[Seen]:
    """Columns with more empty cells than values."""
    columns = [c for c in profile.columns if c.kind.used and c.missing > MOSTLY * profile.sampled]
    evidence = "{columns} " + f"{'are' if len(columns) > 1 else 'is'} missing in more than half of the rows"
    fix = "nothing needs doing, unless they will be filled in when predictions are made: then scores mislead"
    yield from together(Severity.LOW, columns, evidence, fix)


def stray_words(profile: Profile) -> Iterator[Seen]:
    """Words and limits of detection among numbers or dates."""
    for column in profile.columns:
        if limits := [word[:40] for word in column.stray if is_limit(word)]:
            evidence = f"{column.name!r} is {column.kind}, but some cells hold limits, {listed(limits)}"
            fix = "they count as missing; write a number, such as the limit or half of it, where they should count"
            yield Seen(Severity.MEDIUM, (column.name,), evidence, fix)
        if column.bounds:
            evidence = f"some cells of {column.name!r} hold limits, {listed([word[:40] for word in column.bounds])}"
            fix = "they count as their number; write half of it, or leave them empty, where that is truer"
            yield Seen(Severity.LOW, (column.name,), evidence, fix)
        if words := [word[:40] for word in column.stray if not _number(word) and not is_limit(word)]:
            said = listed(words)
            evidence = f"{column.name!r} is {column.kind}, but some cells hold {said}; they count as missing"
            fix = f"repair them, or use {code('types', {column.name: 'categorical'})}"
            yield Seen(Severity.LOW, (column.name,), evidence, fix)


def mixed_units(profile: Profile) -> Iterator[Seen]:
    """Numbers in percent of which some lack the sign, or in several currencies: they are read alike."""
    found = [(column.name, column.mixed) for column in profile.columns]
    found += [(profile.target.name, profile.target.mixed)] if profile.target is not None else []
    for name, mixed in found:
        if mixed is None:
            continue
        if mixed.sign == CURRENCIES:
            evidence, fix = f"{name!r} holds amounts in several currencies", "convert them to one"
        else:
            signed = share(mixed.signed, mixed.cells)
            evidence = f"only {signed} of the cells of {name!r} have the sign {mixed.sign}"
            fix = f"write all in one unit: 0.5 may mean 0.5 {mixed.sign} or a half"
        yield Seen(Severity.MEDIUM, (name,), f"{evidence}, and all are read alike", fix)


def rare_categories(profile: Profile) -> Iterator[Seen]:
    """Categories with less than 5 % of the rows of the most frequent one."""
    columns = [column for column in profile.columns if column.rare]
    said = ", ".join(f"{column.rare} of {column.distinct}" for column in columns[:SHOWN])
    evidence = "{columns} hold{s} " + f"rare categories ({said}{' ...' if len(columns) > SHOWN else ''})"
    yield from together(Severity.LOW, columns, evidence, "join them if they mean the same; models treat them with care")


def high_cardinality(profile: Profile) -> Iterator[Seen]:
    """Categories with so few rows each that little can be learned of them."""
    least = max(MANY_CATEGORIES, MANY_SHARE * profile.sampled)
    columns = [c for c in profile.columns if c.kind is Kind.CATEGORICAL and c.distinct > least]
    for column in columns:
        evidence = f"{column.name!r} has {column.distinct:,} categories in {profile.sampled:,} rows"
        fix = f"take coarser ones, or read it as words with {code('types', {column.name: 'text'})}"
        yield Seen(Severity.MEDIUM, (column.name,), evidence, fix)


def misspelt_categories(profile: Profile) -> Iterator[Seen]:
    """Categories that look like another one."""
    for column in profile.columns:
        if column.look_alikes:
            evidence = f"{column.name!r} writes some categories in two ways: {spellings(column.look_alikes)}"
            yield Seen(Severity.MEDIUM, (column.name,), evidence, one_spelling(column.look_alikes, profile.sampled))


def ambiguous_dates(profile: Profile) -> Iterator[Seen]:
    """Dates of which no value tells the day: a wrong guess moves nearly all of them."""
    for column in profile.columns:
        if column.ambiguous and column.kind is Kind.DATETIME:
            fix = "write dates as 2024-12-31, or correct the `format` in what `automl schema` writes"
            yield Seen(Severity.MEDIUM, (column.name,), f"{column.name!r} holds {column.reason}", fix)


def time_order(profile: Profile) -> Iterator[Seen]:
    """The rows are in the order of a date: validation on rows between those of training is too kind."""
    for column in profile.columns:
        way_out = f"if later rows are to be predicted, validate on later ones: {code('time', column.name)}"
        if column.sorted and column.distinct >= FEWEST:
            evidence = f"the rows are in the order of {column.name!r}, as in a table that grows over time"
            yield Seen(Severity.MEDIUM, (column.name,), evidence, way_out)
        elif column.kind is Kind.DATETIME and _orders_target(column):
            yield Seen(Severity.LOW, (column.name,), f"the target changes along {column.name!r}", way_out)
