"""Tables: reading, column kinds, the task."""
