"""The engine: plan, trial, search, journal."""
