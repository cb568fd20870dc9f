"""Who made a model: an Ed25519 signature of the hash of its manifest, which has the hashes of all its files.

Keys are PEM files as OpenSSL writes them::

    openssl genpkey -algorithm ed25519 -out key.pem
    openssl pkey -in key.pem -pubout -out public.pem

and OpenSSL alone can check the signature of a model, too::

    openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in manifest.sha256 -sigfile manifest.sig

A signature says who made a model, not which of theirs is wanted: an earlier model of the same key is as good as a later
one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from automl.errors import ArtifactError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NAME: Final = "manifest.sig"
"""The file of the signature, beside the manifest."""
_BYTES: Final = 64

Sign = Callable[[str], bytes]
"""Returns the signature of the hash of a manifest, in hexadecimal digits."""


def signer(key: Path) -> Sign:
    """Return what signs by the private key in a PEM file.

    Raises
    ------
    UsageError
        If the file holds no such key, or ``cryptography`` is not installed.
    """
    private = _private(key)
    return lambda digest: private.sign(digest.encode("ascii"))


def check(folder: Path, digest: str, trust: Path, shown: Path) -> None:
    """Make sure that the model in a folder, whose manifest has this hash, was signed by a key that is trusted.

    Parameters
    ----------
    trust
        PEM file of the public key.
    shown
        What the folder is called in errors.

    Raises
    ------
    ArtifactError
        If there is no signature, or none of this manifest by this key.
    UsageError
        If the file holds no such key, or ``cryptography`` is not installed.
    """
    key = _public(trust)
    from cryptography.exceptions import InvalidSignature

    try:
        with (folder / NAME).open("rb") as file:
            signature = file.read(_BYTES + 1)
    except OSError:
        raise ArtifactError(f"{shown} is not signed, and only what the key of {trust} signed is trusted") from None
    try:
        key.verify(signature, digest.encode("ascii"))
    except InvalidSignature:
        raise ArtifactError(f"{shown} as it is was not signed by the key of {trust}; do not use it") from None


def _private(path: Path) -> Ed25519PrivateKey:
    key = _key(path, lambda pem, known: known.load_pem_private_key(pem, password=None))
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} is no Ed25519 private key; make one: openssl genpkey -algorithm ed25519 -out key.pem")
    return key


def _public(path: Path) -> Ed25519PublicKey:
    key = _key(path, lambda pem, known: known.load_pem_public_key(pem))
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path} is no Ed25519 public key; take it: openssl pkey -in key.pem -pubout -out public.pem")
    return key


def _key(path: Path, read: Callable[[bytes, Any], object]) -> object:
    """Return the key in a PEM file, or None if there is none that can be read without a password."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
    except ImportError:
        raise UsageError("signatures need cryptography; pip install 'automl[signing]'") from None
    try:
        return read(path.read_bytes(), serialization)
    except OSError as error:
        raise UsageError(f"the key {path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
