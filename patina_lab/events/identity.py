"""Canonical JSON and the identity of an event.

An event *is* its content: two events with the same type, instant, author and payload are
the same event, whoever wrote them down and wherever.  The identity is the SHA-256 of the
RFC 8785 (JSON Canonicalization Scheme) text of those four.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
import rfc8785

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLAIN = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_DATETIME


def canonical_json(value: Any, *, plain: bool = False) -> bytes:
    """Serialize a JSON value as RFC 8785 canonical JSON.

    Parameters
    ----------
    value : JSON value
        dict with string keys, list, str, int, float, bool or None, nested.
    plain : bool
        The caller knows that the value holds no float and only ASCII keys (rows that a
        parser of ours built).  Then a faster encoder is used, which gives the same bytes
        for such values; a property test keeps that promise.

    Returns
    -------
    bytes
        UTF-8 text.

    Raises
    ------
    ValueError
        For what JSON cannot carry safely: NaN, infinities, integers beyond ±(2^53 - 1),
        lone surrogates, keys that are no strings.

    Examples
    --------
    >>> canonical_json({"b": 1.0, "a": "é"}).decode()
    '{"a":"é","b":1}'
    """
    try:
        if plain:
            return orjson.dumps(value, option=_PLAIN)
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, TypeError, UnicodeEncodeError) as err:
        raise ValueError(f"not canonical JSON: {err}") from err


def micros(instant: datetime) -> int:
    """Return the microseconds since 1970-01-01T00:00:00Z of an aware datetime.

    Examples
    --------
    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (instant - EPOCH) // _MICROSECOND


def instant(us: int) -> datetime:
    """Return the aware UTC datetime of microseconds since 1970; inverse of :func:`micros`."""
    return EPOCH + timedelta(microseconds=us)


@lru_cache(maxsize=256)  # the events of one file have one time
def timestamp_text(when: datetime) -> str:
    """Write an aware datetime as RFC 3339 in UTC with six decimals.

    Examples
    --------
    >>> from datetime import timezone
    >>> timestamp_text(datetime(2025, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=5.5))))
    '2025-02-28T20:00:00.000000Z'
    """
    if when.tzinfo is not UTC:
        when = when.astimezone(UTC)
    # strftime("%Y") does not pad years below 1000 on every platform; isoformat does.
    return when.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def event_id(event_type: str, timestamp: str, author: str | None, payload: bytes) -> str:
    """Return the identity of an event: 64 hexadecimal digits.

    Parameters
    ----------
    event_type, timestamp : str
        The type, and the instant as :func:`timestamp_text` writes it.
    author : str or None
        Who did it, as the source says.
    payload : bytes
        The payload as canonical JSON.

    Notes
    -----
    ``sha256('{"author":…,"payload":…,"timestamp":…,"type":…}')``.  Canonical JSON sorts
    keys, so the text is put together from its already canonical parts.
    """
    when = timestamp.encode()
    said = b"".join((_before(author), payload, b',"timestamp":"', when, _after(event_type)))
    return hashlib.sha256(said).hexdigest()


@lru_cache(maxsize=4096)  # few people make many events
def _before(author: str | None) -> bytes:
    return b'{"author":' + canonical_json(author, plain=True) + b',"payload":'


@lru_cache(maxsize=256)
def _after(event_type: str) -> bytes:
    return b'","type":' + canonical_json(event_type, plain=True) + b"}"


def cid(event_id: str) -> str:
    """Return the CIDv1 (raw codec, sha2-256, base32) of an event id.

    Source: https://github.com/multiformats/cid, "CIDv1".

    Examples
    --------
    >>> cid("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'
    """
    raw = b"\x01\x55\x12\x20" + bytes.fromhex(event_id)
    return "b" + base64.b32encode(raw).decode().lower().rstrip("=")
