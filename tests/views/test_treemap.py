"""The treemap's layout keeps areas and leaves nothing out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patina_lab.views.treemap import Box, folders, squarify

sizes = st.lists(st.integers(1, 10_000), min_size=1, max_size=60)
boxes = st.builds(Box, st.just(0), st.just(0), st.floats(20, 900), st.floats(20, 900))


@given(sizes, boxes)
def test_areas_are_in_proportion(sizes: list[int], box: Box) -> None:
    """Each rectangle has its share of the whole."""
    whole = box.width * box.height
    for size, placed in zip(sizes, squarify(sizes, box), strict=True):
        assert placed.width * placed.height == pytest.approx(whole * size / sum(sizes), rel=1e-6)


@given(sizes, boxes)
def test_rectangles_stay_inside_and_apart(sizes: list[int], box: Box) -> None:
    placed = squarify(sorted(sizes, reverse=True), box)
    slack = 1e-6 * (box.width + box.height)
    for one in placed:
        assert one.x >= -slack
        assert one.y >= -slack
        assert one.x + one.width <= box.width + slack
        assert one.y + one.height <= box.height + slack
    for index, one in enumerate(placed):
        for other in placed[:index]:
            wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert wide <= slack or high <= slack


def test_the_example_of_the_paper() -> None:
    """Bruls et al., figure 4: 6 6 4 3 2 2 1 in a box of 6 by 4."""
    placed = squarify([6, 6, 4, 3, 2, 2, 1], Box(0, 0, 6, 4))
    assert [(round(b.width, 2), round(b.height, 2)) for b in placed] == [
        (3, 2),
        (3, 2),
        (1.71, 2.33),
        (1.29, 2.33),
        (1.2, 1.67),
        (1.2, 1.67),
        (0.6, 1.67),
    ]


def test_nothing_to_place() -> None:
    assert squarify([], Box(0, 0, 3, 4)) == []


def test_folders_are_followed_only_so_far() -> None:
    """Forty files in forty folders are grouped by what they have in common."""
    paths = [f"src/part{n}/deep/file.py" for n in range(40)]
    assert set(folders(paths, most=8)) == {"src"}
    assert folders(["src/app/a.py", "src/lib/b.py"], most=8) == ["src/app", "src/lib"]
