"""Metrics, folds, leaderboard."""
