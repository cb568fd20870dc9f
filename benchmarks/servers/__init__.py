"""Servers of the same trees: each file here runs in the environment of its server, as ``python FILE FOLDER PORT``."""
