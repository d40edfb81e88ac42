"""What the top of a session note says: who, where and when it began.

Five ways to write it have been in use, and a note is read by what is there, not by its
date::

    freeform     prose; no fixed fields
    plain        "# Session: title", then **ID**, **Started**, **LLM**
    git          ... and **Git Branch**, **Session Tag**, **Starting Commit**
    timestamp    ... and **Start Timestamp** (milliseconds since 1970)
    frontmatter  YAML between two lines "---"
    init         "# <name> Initialization", then "Initialized on: ..."

The id in a file name is *local* time, the start in the header is UTC; their difference is
the writer's UTC offset, which the local times further down need.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from patina_lab.events.identity import EPOCH
from patina_lab.sources.session_labels import kind_of

KNOWN = {
    "id": "id",
    "session id": "id",
    "title": "title",
    "started": "started",
    "created": "started",
    "initialized on": "started",
    "start timestamp": "start_timestamp",
    "start_timestamp": "start_timestamp",
    "llm": "llm",
    "branch": "branch",
    "git branch": "branch",
    "git.branch": "branch",
    "commit": "starting_commit",
    "starting commit": "starting_commit",
    "git.starting_commit": "starting_commit",
    "session tag": "session_tag",
    "git.start_tag": "session_tag",
    "status": "status",
    "dev environment": "dev_environment",
}
"""A field as the notes write it, lower case -> the key in ``session.started``."""

_FIELD = re.compile(
    r"(?:\*\*([^*]+?)\*\*:|\*\*([^*]+?):\*\*|([A-Za-z][A-Za-z ]{1,30}):)[ \t]+(\S.*)"
)
_YAML = re.compile(r"([ \t]*)([A-Za-z_][\w.-]*):(?:[ \t]+(.*))?$")
_STEM = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(?!\d)", re.ASCII)
_STEM_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?!\d)", re.ASCII)
_ISO_DATE = re.compile(r"\b(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?)")
_WORD_DATE = re.compile(r"\b([A-Z][a-z]{2})[a-z]*\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})\b")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATED_LINES = 15
_LARGEST_INTEGER = 2**53 - 1
_LATEST_STAMP = 7_000_000_000_000


@dataclass
class Header:
    """The fields of a header; ``None`` where the note does not say.

    ``line_count`` lines from the top may hold fields, and ``lines`` are those (from 0)
    that do: the rest of the note is read without them.
    """

    fields: dict[str, str] = field(default_factory=dict)
    extra: list[dict[str, str]] = field(default_factory=list)
    era: str = "freeform"
    start: datetime | None = None
    time_source: str | None = None
    offset: timedelta | None = None
    lines: set[int] = field(default_factory=set)
    problems: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def start_timestamp(self) -> int | None:
        """Milliseconds since 1970, where the note gives them."""
        text = self.fields.get("start_timestamp", "")
        number = int(text) if re.fullmatch(r"[0-9]{1,16}", text) else None
        return number if number is None or number <= _LARGEST_INTEGER else None


def read_header(lines: Sequence[str], stem: str) -> Header:
    """Read the top of a note.

    Parameters
    ----------
    lines : sequence of str
        The whole note, without line ends.
    stem : str
        The file's name without folder and ending.

    Returns
    -------
    Header
        Its ``start`` is None where neither fields nor file name nor text hold a date.
    """
    header = Header()
    body = _read_frontmatter(lines, header)
    named = _read_fields(lines, body, header)
    header.era = _era(header, named, stem, frontmatter=body > 0)
    _find_start(lines, stem, header)
    return header


def _read_frontmatter(lines: Sequence[str], header: Header) -> int:
    """Read flat ``key: value`` lines and one level of nesting; return the first line after.

    This is not YAML: values stay text (a YAML reader turns an unquoted timestamp into
    something else), and what the reader does not understand becomes a problem.
    """
    if not lines or lines[0].rstrip() != "---":
        return 0
    end = next((n for n in range(1, len(lines)) if lines[n].rstrip() in ("---", "...")), 0)
    if not end:
        header.problems.append(
            ("frontmatter not closed", 'The opening "---" has no partner; close the header.', 1)
        )
        return 0
    parent = ""
    for number in range(1, end):
        line = lines[number].rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        match = _YAML.match(line)
        if match is None:
            detail = f"The line {line[:80]!r} is not of the form 'key: value'; rewrite it."
            header.problems.append(("frontmatter line", detail, number + 1))
            continue
        indent, key, value = match.group(1), match.group(2), (match.group(3) or "").strip()
        if not indent:
            parent = "" if value else key + "."
        _keep(header, (parent + key) if indent else key, _unquote(value))
    header.lines.update(range(end + 1))
    return end + 1


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        inner = value[1:-1]
        if value[0] == "'":
            return inner.replace("''", "'")
        return re.sub(r'\\(["\\])', r"\1", inner)
    return value


def _keep(header: Header, name: str, value: str) -> None:
    key = KNOWN.get(name.lower())
    if not value:
        return
    if key is None or key in header.fields:
        header.extra.append({"name": name, "value": value})
    else:
        header.fields[key] = value


def _read_fields(lines: Sequence[str], body: int, header: Header) -> set[str]:
    """Read the title and the field lines under it; return the names of the fields."""
    named: set[str] = set()
    for number in range(body, len(lines)):
        line = lines[number].strip()
        if not line:
            continue
        if line.startswith("# ") and "title" not in header.fields:
            title = line[2:].strip()
            header.fields["title"] = title.removeprefix("Session:").strip() or title
            header.lines.add(number)
            continue
        match = _FIELD.fullmatch(line)
        if match is None:
            break
        bold = match.group(1) or match.group(2)
        name = (bold or match.group(3)).strip()
        # Prose has colons too: without bold only the known names make a field.
        if name.lower() not in KNOWN and (not bold or kind_of(name)):
            break
        named.add(name.lower())
        _keep(header, name, match.group(4).strip())
        header.lines.add(number)
    return named


def _era(header: Header, named: set[str], stem: str, *, frontmatter: bool) -> str:
    if frontmatter:
        return "frontmatter"
    if "initialized on" in named or stem.endswith("-init"):
        return "init"
    if "start timestamp" in named:
        return "timestamp"
    if named & {"git branch", "session tag"}:
        return "git"
    return "plain" if named & {"id", "started"} else "freeform"


def _find_start(lines: Sequence[str], stem: str, header: Header) -> None:
    ids = (header.fields.get("id", ""), stem)
    local = next((when for when in map(_stem_time, ids) if when), None)
    written = header.fields.get("started")
    stamp = header.start_timestamp
    if written is not None and (start := _instant(written)):
        header.start, header.time_source = start, "header"
    elif stamp is not None and stamp < _LATEST_STAMP:
        header.start, header.time_source = EPOCH + timedelta(milliseconds=stamp), "start_timestamp"
    if header.start is not None:
        header.offset = _offset(local, header.start)
        return
    if written is not None:
        line = next((n for n, text in enumerate(lines) if written in text), 0)
        detail = f"The start {written[:80]!r} is no ISO 8601 time; write 2025-03-01T09:30:00Z."
        header.problems.append(("unreadable start time", detail, line + 1))
    if local or (local := _stem_date(stem)):
        header.start, header.time_source = local, "file stem"
    elif found := _date_in_text(lines):
        header.start, header.time_source = found, "text"


def _in_range(when: datetime) -> datetime | None:
    # Later sums of days and offsets must not run over the ends of the calendar.
    return when if 1970 <= when.year < 2200 else None


def _instant(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    except ValueError:
        return None
    if _in_range(when) is None:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)


def _stem_time(stem: str) -> datetime | None:
    """Read ``YYYYMMDD-HHMMSS`` as if it were UTC."""
    match = _STEM.match(stem)
    return _instant("{}-{}-{}T{}:{}:{}".format(*match.groups())) if match else None


def _stem_date(stem: str) -> datetime | None:
    """Read the date that a file name without a time begins with, as if it were UTC."""
    match = _STEM_DATE.match(stem)
    return _instant("-".join(match.groups())) if match else None


def _date_in_text(lines: Sequence[str]) -> datetime | None:
    for line in lines[:_DATED_LINES]:
        for found in _ISO_DATE.findall(line):
            if when := _instant(found):
                return when
        for month, day, year in _WORD_DATE.findall(line):
            if month in _MONTHS:
                number = _MONTHS.index(month) + 1
                if when := _instant(f"{year}-{number:02d}-{int(day):02d}"):
                    return when
    return None


def _offset(local: datetime | None, start: datetime) -> timedelta | None:
    """Return local minus UTC, to the quarter of an hour; None where no place has that."""
    if local is None:
        return None
    quarters = round((local - start) / timedelta(minutes=15))
    offset = timedelta(minutes=15 * quarters)
    return offset if timedelta(hours=-12) <= offset <= timedelta(hours=14) else None
