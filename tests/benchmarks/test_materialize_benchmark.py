"""The benchmark of following event files runs through, and says no more than it measured."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "materialize.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("benchmark_materialize", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_round_gives_every_figure(script, tmp_path, capsys):
    """Small sizes: every call is what it claims to be, or the script stops."""
    out = tmp_path / "out.json"
    args = ["--sizes", "12", "30", "--rounds", "1", "--sample", "5", "--json", str(out)]
    assert script.main(args) == 0
    page = capsys.readouterr().out
    measured = json.loads(out.read_text())
    assert set(measured["seconds"]) == {"12", "30"}
    assert set(measured["reading"]) == {"30"}
    assert "one / everything, CPU" in page
    assert str(tmp_path) not in page + out.read_text()


def test_events_are_events(script):
    """What is measured is read as events, each another one."""
    from patina_lab.events.event import Event
    from patina_lab.sources.event_files import EventFileSource
    from patina_lab.sources.source import SourceFile

    read = [
        next(iter(EventFileSource().read(SourceFile(name, content))))
        for name, content in map(script.event, range(40))
    ]
    assert all(isinstance(event, Event) for event in read)
    assert len({event.event_id for event in read}) == 40


def test_a_missed_target_is_said(script):
    """Known-bad figures are marked, either way round."""
    assert script.judged([0.2, 0.3, 0.1], 0.1) == "**missed**"
    assert script.judged([0.09], 0.1) == "met"
    assert script.judged([10, 19], 20, least=True) == "**missed**"
