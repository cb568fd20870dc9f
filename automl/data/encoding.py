"""The encoding of a text: as its bytes prove it, else as people most often write them."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import IO, Final

from automl.errors import DataError, option

BLOCK: Final = 1 << 20
"""Bytes that are decoded at a time."""
SAMPLE: Final = 1 << 18
"""Bytes that a guess is made on."""
MARK: Final = "\ufeff"
"""A byte order mark, decoded."""
UNREADABLE: Final = "\ufffd"
"""What stands for bytes that are no text."""
SLIP: Final = 10
"""Letters beyond ASCII for each such place, from which a text is UTF-8 with slips, and not of another encoding."""
FOREIGN: Final = ("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp932", "euc_jp", "gb18030", "big5", "cp949")
"""Encodings that tables in other scripts are written in; further ones are more often guessed by mistake."""
LATIN: Final = ("cp1252", "cp1250", "cp850")
"""Those of Latin letters, the commonest first."""
SIGNS: Final = frozenset("\u20ac\u2026‘’“”\u2022\u2013\u2014\u2122\xa0¢£¤¥§©ª«®°±²µ·º»¼½¾".encode("cp1252"))
"""What stands beside numbers and words of any language; it says nothing of letters."""
CENTRAL, WESTERN = frozenset("ŠŽšž".encode("cp1250")), frozenset("àåêñ".encode("cp1252"))
TURKISH, ICELANDIC = frozenset("ĞİŞğış".encode("cp1254")), frozenset("áæéíóú".encode("cp1252"))
CURRENCY: Final = 0xA4

BYTE_ORDER_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


def decode(data: bytes, likely: str | None = None, asked: str | None = None) -> tuple[str, str]:
    """Return the text and its encoding, see :func:`encoding_of`.

    >>> decode("Zürich;Köln".encode("latin-1"))
    ('Zürich;Köln', 'cp1252')
    """
    encoding = encoding_of(io.BytesIO(data), likely, asked)
    return data.decode(encoding, errors="replace").removeprefix(MARK), encoding


def encoding_of(file: IO[bytes], likely: str | None = None, asked: str | None = None) -> str:
    """Return the encoding of a file: byte order mark, else UTF-8 if valid, else ``likely``, else UTF-8 if it nearly is,
    else the best guess.

    ``asked`` is the encoding that the owner of the file has named; the text is in it, or refused. The whole file is
    looked at, in pieces.

    Raises
    ------
    DataError
        If the file is no text, or not in the encoding asked for.
    """
    file.seek(0)
    begin = file.read(200)
    marked = next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if begin.startswith(mark)), None)
    if certain := asked or marked:
        _require(file, certain)
        return certain
    tried = ["utf-16-le", "utf-16-be"] if b"\x00" in begin else ["utf-8", *([likely] if likely else [])]
    for encoding in tried:
        with suppress(UnicodeDecodeError):
            if not any("\x00" in text for text in _texts(file, encoding)):
                return encoding
    if any(b"\x00" in block for block in _blocks(file)):
        raise DataError("the file is binary, no text; save the table as CSV, Parquet, JSON lines or .xlsx")
    return "utf-8" if _nearly_utf_8(file) else _guess(file)


def _nearly_utf_8(file: IO[bytes]) -> bool:
    """Return whether a text is UTF-8 but for a slip here and there: hardly another encoding looks like it by chance."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    beyond = slips = 0
    for block in _blocks(file):
        text = decoder.decode(block)
        beyond += len(text) - len(text.encode("ascii", "ignore"))
        slips += text.count(UNREADABLE)
    return beyond > SLIP * slips


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    return iter(lambda: file.read(BLOCK), b"")


def _texts(file: IO[bytes], encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for block in _blocks(file):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _require(file: IO[bytes], encoding: str) -> None:
    try:
        binary = any("\x00" in text for text in _texts(file, encoding))
    except (UnicodeError, ValueError) as error:
        raise DataError(
            f"the file is not written in {encoding} ({error}); name another with {option('encoding')}"
        ) from error
    if binary:
        raise DataError(f"the file is no {encoding} text: it holds zero bytes; save the table again, as UTF-8")


def _guess(file: IO[bytes]) -> str:
    """Return the encoding that a text with more than ASCII is most likely written in: words of a Latin script hold
    plain letters, too; in other scripts the commonest letters of a language tell.
    """
    sample = re.sub(rb"(?<=m)[\xb2\xb3]", b"", _beyond_ascii(file))  # m² and m³, where Poles have an ł
    beyond = bytes(byte for byte in sample if byte >= 0x80)
    words = b"".join(word for word in re.findall(rb"[A-Za-z\x80-\xff]+", sample) if not word.isascii())
    if 3 * len(beyond) <= 2 * len(words) or SIGNS.issuperset(beyond):
        return _latin(sample)
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=list(FOREIGN)).best()
    return "cp1252" if best is None else best.encoding


def _latin(sample: bytes) -> str:
    """Return the encoding of Latin letters.

    Poles and DOS have letters where others have signs or capitals, Czechs and Croats nearly always an ``š`` or ``ž``.
    The letters of Turks have the places of those that only Icelanders write, the euro sign can have that of one that
    nobody writes.
    """
    found = frozenset(byte for byte in sample if byte >= 0x80)
    words = bytes(0x20 if byte in SIGNS else byte for byte in sample)
    likely = max(LATIN, key=lambda encoding: _letters(words.decode(encoding, "replace")))
    if likely != "cp1252":
        return likely
    if found & CENTRAL and not found & WESTERN:
        return "cp1250"
    if found & TURKISH and not found & ICELANDIC:
        return "cp1254"
    return "iso8859_15" if CURRENCY in found and min(found) >= 0xA0 else "cp1252"


def _letters(text: str) -> int:
    """Return how many characters beyond ASCII are letters, and no capital behind a small one."""
    beyond = ((before, letter) for before, letter in pairwise(" " + text) if not letter.isascii())
    return sum(letter.isalpha() and not (letter.isupper() and before.islower()) for before, letter in beyond)


def _beyond_ascii(file: IO[bytes]) -> bytes:
    """Return the first lines that hold more than ASCII, or pieces of them."""
    file.seek(0)
    sample = b""
    while len(sample) < SAMPLE and (line := file.readline(SAMPLE)):
        if not line.isascii():
            sample += line
    return sample[:SAMPLE]
