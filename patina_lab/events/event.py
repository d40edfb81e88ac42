"""`Event`: one frozen fact, the only value that sources make and the log keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar, overload

from patina_lab.events.identity import canonical_json, event_id, micros, timestamp_text

T = TypeVar("T")


class _Once(Generic[T]):
    """``functools.cached_property`` without the lock that Python 3.11 takes each time.

    Computing a pure value twice, in two threads, does no harm.
    """

    def __init__(self, ask: Callable[[Any], T]) -> None:
        self.ask = ask
        self.name = ask.__name__
        self.__doc__ = ask.__doc__

    @overload
    def __get__(self, event: None, owner: type) -> _Once[T]: ...
    @overload
    def __get__(self, event: object, owner: type) -> T: ...
    def __get__(self, event: object | None, owner: type) -> T | _Once[T]:
        if event is None:
            return self
        found = event.__dict__[self.name] = self.ask(event)
        return found


@dataclass(frozen=True, init=False)
class Event:
    """Something that happened, as one source tells it.

    Parameters
    ----------
    event_type : str
        Dotted or snake-case name, such as ``git.commit`` or ``decision_made``.
    timestamp : datetime
        The instant, aware; any offset.  The log keeps it in UTC with microseconds.
    source_id : str
        The source's own key: commit sha, session id, event id of a file.
    data : mapping
        The payload, JSON values only.
    source_file : str or None
        Path inside the repository, where the event was read from a file.
    actor : str or None
        Who did it, as the source writes it.
    envelope : mapping or None
        What the source wrote *around* the payload and what is not part of the identity:
        display ids, sequence numbers, the timestamp as text.
    plain : bool
        See :func:`patina_lab.events.identity.canonical_json`.

    Notes
    -----
    Total order of events: ``(occurred_us, source_id, event_type, event_id, source_file)``.
    ``seq``, the rank in that order, belongs to a log and is no part of the event.
    """

    event_type: str
    timestamp: datetime
    source_id: str
    data: Mapping[str, Any]
    source_file: str | None = None
    actor: str | None = None
    envelope: Mapping[str, Any] | None = None
    plain: bool = field(default=False, repr=False, compare=False)

    def __init__(
        self,
        event_type: str,
        timestamp: datetime,
        source_id: str,
        data: Mapping[str, Any],
        source_file: str | None = None,
        actor: str | None = None,
        envelope: Mapping[str, Any] | None = None,
        plain: bool = False,
    ) -> None:
        if timestamp.tzinfo is None:
            raise ValueError(f"{event_type} {source_id}: timestamp {timestamp} has no UTC offset")
        # One update: a frozen dataclass of its own would set field by field, at thrice the cost.
        self.__dict__.update(
            event_type=event_type,
            timestamp=timestamp,
            source_id=source_id,
            data=data,
            source_file=source_file,
            actor=actor,
            envelope=envelope,
            plain=plain,
        )

    @property
    def occurred_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""
        return micros(self.timestamp)

    @_Once
    def payload(self) -> bytes:
        """Return `data` as canonical JSON."""
        data = self.data if isinstance(self.data, dict) else dict(self.data)
        return canonical_json(data, plain=self.plain)

    @_Once
    def event_id(self) -> str:
        """Return the identity by content, 64 hexadecimal digits."""
        return event_id(self.event_type, timestamp_text(self.timestamp), self.actor, self.payload)

    @property
    def envelope_json(self) -> str | None:
        """`envelope` as canonical JSON."""
        return canonical_json(dict(self.envelope)).decode() if self.envelope else None

    @property
    def order(self) -> tuple[int, str, str, str, str]:
        """The key of the total order."""
        return (
            self.occurred_us,
            self.source_id,
            self.event_type,
            self.event_id,
            self.source_file or "",
        )
