"""A process that writes notes until it is killed: python writer.py REPO NAME COUNT ACK HOW.

After each note that was acknowledged it appends the note's identity to the file ACK.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from patina_lab.events.event import Event
from patina_lab.project.event_files import file_name, next_sequence, to_bytes
from patina_lab.project.observe import observe
from patina_lab.project.places import LOCAL_EVENTS
from patina_lab.sources.repository import open_repository


def careless(repository, content, *, at, author):
    """Known-bad: no lock, no temporary file; long enough for others to come in between."""
    folder = repository.work_tree / LOCAL_EVENTS
    folder.mkdir(parents=True, exist_ok=True)
    when, number = datetime.fromisoformat(at), next_sequence(p.name for p in folder.iterdir())
    path = f"{LOCAL_EVENTS}/{file_name('observation_captured', when, number)}"
    event = Event("observation_captured", when, "loc", {"content": content}, path, author)
    time.sleep(0.005)
    with (repository.work_tree / path).open("wb", buffering=0) as file:
        for byte in to_bytes(event, number).splitlines(keepends=True):
            file.write(byte)
            time.sleep(0.001)
    return Event(event.event_type, when, "loc", event.data, None, author)


def main(place, name, count, ack, how):
    repository = open_repository(place)
    start = datetime(2025, 3, 7, tzinfo=UTC)
    done = len(Path(ack).read_bytes().splitlines()) if Path(ack).exists() else 0
    log = os.open(ack, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for n in range(done, int(count)):
        when = (start + timedelta(seconds=n)).isoformat()
        if how == "careless":
            event = careless(repository, f"{name} {n}", at=when, author=name)
        else:
            event = observe(repository, f"{name} {n}", at=when, author=name).event
        os.write(log, f"{event.event_id}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
