"""Saved models, whatever was wrapped around them when they were trained."""

from __future__ import annotations

from pathlib import Path

from automl.models import resampled, transformed
from automl.models.base import Family, Model


def load(family: Family, folder: Path) -> Model:
    """Read the model of a fold: a family's own, of levels, of a transformed target or of resampled rows."""
    return resampled.loaded(transformed.load(family, folder), folder)
