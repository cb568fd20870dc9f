"""Serve and export a predictor."""
