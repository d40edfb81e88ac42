"""Labels fit where they are put, and stay different."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patina_lab.views.labels import distinct, fit, width

paths = st.text(alphabet="ab/._-W日", min_size=1, max_size=60)


@given(paths, st.floats(10, 300))
def test_fits_its_room(path: str, room: float) -> None:
    """Whatever the path, what is returned is no wider than asked."""
    assert width(fit(path, room, 11), 11) <= room


@given(st.lists(paths, unique=True, max_size=20), st.floats(10, 120))
def test_different_paths_keep_different_labels(paths: list[str], room: float) -> None:
    assert len(set(distinct(paths, room, 11))) == len(paths)


def test_keeps_the_name_longest() -> None:
    """Of a path the file's name says most, and its end tells the kind of file."""
    path = "patina_lab/projections/co_changes.py"
    assert [fit(path, room, 11) for room in (400, 170, 100, 60, 10)] == [
        "patina_lab/projections/co_changes.py",
        "…/projections/co_changes.py",
        "…/co_changes.py",
        "co_c…s.py",
        "",
    ]
