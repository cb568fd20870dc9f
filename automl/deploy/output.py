"""What is said when an output cannot be written."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from automl.errors import AutoMLError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def writing_to(place: Path) -> Iterator[None]:
    """Say which output cannot be written when the system does not: of a full disk it names what was copied, or nothing.

    Raises
    ------
    AutoMLError
        Instead of such an OSError of the block.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None and error.errno not in _FULL:
            raise
        reason = error.strerror or str(error)
        raise AutoMLError(f"cannot write {place}: {reason}; make room there, or give another place") from error
