"""One file an engine. Each runs inside the environment of its engine and follows ``contract.py``."""
