"""Records, rendered for people: the report on a table."""
