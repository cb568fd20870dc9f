"""Records, rendered for people: the report on a table, and that on a model."""
