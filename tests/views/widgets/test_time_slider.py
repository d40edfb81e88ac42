"""The slider: what it draws is what the projection gives as of that moment."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("anywidget")
pytest.importorskip("altair")

import patina_lab as pt
from patina_lab.errors import InvalidOption, PatinaError, UnknownName
from patina_lab.eventlog.times import DAY_US
from patina_lab.lab import Lab
from patina_lab.views.widgets.moments import moments
from patina_lab.views.widgets.stage import VIEW


def test_draws_the_projection_as_of_the_moment(lab: Lab) -> None:
    slider = pt.TimeSlider(lab, pt.hotspots)
    last = slider.picture()
    slider.moment = slider.moments[10]
    then = lab.as_of(slider.moments[10]).project(pt.hotspots)
    pd.testing.assert_frame_equal(slider.table(), then)
    assert slider.picture() != last
    assert "<svg" in slider.picture()


def test_the_code_gives_the_same(lab: Lab) -> None:
    slider = pt.TimeSlider(lab, "hotspots", at=None)
    slider.go(3)
    code = slider.code.removeprefix("pt.plot.hotspots(").removesuffix(")")
    pd.testing.assert_frame_equal(eval(code, {"lab": lab}), slider.table())
    assert slider.code.startswith("pt.plot.hotspots(lab.as_of(")
    eval(slider.code, {"lab": lab, "pt": pt})


def test_a_moved_handle_draws_again(lab: Lab, live: None) -> None:
    slider = pt.TimeSlider(lab, pt.hotspots)
    view = slider.widget
    (handle,) = (part for part in view.children if hasattr(part, "marks"))
    assert list(handle.marks) == list(slider.moments)
    before = slider._view.picture.value
    handle.index = 5
    assert slider.moment == slider.moments[5]
    assert slider._view.picture.value != before
    assert slider.moments[5] in slider._view.status.value
    slider.moment = slider.moments[7]
    assert handle.index == 7


def test_parameters_and_projections_without_a_chart(lab: Lab) -> None:
    def busy(commits: object, *, least: int = 1) -> object:
        return commits.query(
            "SELECT author_name, count(*) AS n FROM commits GROUP BY 1 "
            f"HAVING n >= {least} ORDER BY 1"
        )

    slider = pt.TimeSlider(lab, busy, least=5)
    assert "<table" in slider.picture()
    assert slider.code == f"lab.as_of({slider.moment!r}).project(busy, least=5)"
    pd.testing.assert_frame_equal(eval(slider.code, {"lab": lab, "busy": busy}), slider.table())


def test_a_projection_that_fails_is_a_sentence(lab: Lab, live: None) -> None:
    def broken(commits: object) -> object:
        return commits.query("SELECT nothing FROM commits")

    slider = pt.TimeSlider(lab, broken)
    with pytest.raises(PatinaError):
        slider.picture()
    slider.widget  # noqa: B018 - it is made, and says so
    assert "nothing" in slider._view.status.value


def test_an_unknown_moment_is_named(lab: Lab) -> None:
    with pytest.raises(UnknownName):
        pt.TimeSlider(lab, pt.hotspots, at="1999-01-01")


def test_before_the_first_event_there_is_no_moment(lab: Lab) -> None:
    slider = pt.TimeSlider(lab.as_of("1999-01-01"), pt.hotspots)
    assert slider.moments == ()
    assert slider.moment is None
    assert slider.picture()
    assert "the log is empty" in repr(slider)


def test_without_a_person_it_is_a_picture_and_a_card(lab: Lab) -> None:
    bundle = pt.TimeSlider(lab, pt.hotspots)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "<svg" in bundle["text/html"]


def test_live_it_is_a_widget(lab: Lab, live: None) -> None:
    assert VIEW in pt.TimeSlider(lab, pt.hotspots)._repr_mimebundle_()


SPAN = st.integers(-62_000_000_000 * 10**6, 250_000_000_000 * 10**6)


@given(SPAN, SPAN, st.integers(2, 90))
def test_moments_are_few_rise_and_reach_the_end(a: int, b: int, most: int) -> None:
    first, last = sorted((a, b))
    listed = moments(first, last, most)
    assert 1 <= len(listed) <= most
    assert list(listed) == sorted(set(listed))
    assert listed[-1] == moments(last, last)[0]


def test_moments_of_nothing_and_of_too_few() -> None:
    assert moments(None, None) == ()
    with pytest.raises(InvalidOption):
        moments(0, DAY_US, most=1)
