"""Smaller and quicker versions of what a run has found, and what each of them costs in quality."""

from automl.slim.frontier import Option, Wanted
from automl.slim.slimming import slim

__all__ = ["Option", "Wanted", "slim"]
