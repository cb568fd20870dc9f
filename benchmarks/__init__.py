"""The measuring tool: engines compared on a folder of data sets. README.md says how to use it."""
