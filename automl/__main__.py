"""``python -m automl``: the command line without the installed script."""

from automl.cli import main

raise SystemExit(main())
