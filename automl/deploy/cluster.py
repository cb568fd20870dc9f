"""Ray, on one machine or many: the door to it of what is trained, with ``replicas``, which serve, and ``spread``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import ray

from automl.errors import AutoMLError
from automl.tuning.address import knock

_OBJECT_STORE: Final = 500_000_000


@contextmanager
def joined(address: str | None, cpus: int) -> Iterator[None]:
    """Have Ray in this process for as long as the block runs; if it is there already, it is used and stays.

    Parameters
    ----------
    address
        Of a cluster; None = one of this machine alone, with so many ``cpus``.

    Raises
    ------
    AutoMLError
        If Ray does not start, or there is no such cluster.
    """
    if ray.is_initialized():
        yield
        return
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    local: dict[str, Any] = {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": _OBJECT_STORE}
    try:
        if address:
            knock(address)
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            **({} if address else local),
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise AutoMLError(f"Ray cannot be used at {address or 'this machine'}: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()
