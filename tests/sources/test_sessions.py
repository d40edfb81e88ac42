"""Session notes: what is read from them, by example and by law."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from textwrap import dedent

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patina_lab.errors import InvalidOption
from patina_lab.events.event import Event
from patina_lab.sources import session_grammar, session_strict, sessions
from patina_lab.sources.sessions import SessionSource
from patina_lab.sources.source import Coverage, FileSource, Problem, SourceFile

FULL, STRICT = SessionSource(), SessionSource(mode="strict")
NAME = "20250301-093000"
SLOW = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}


def read(text, *, source=FULL, name=NAME):
    """Return all that the source yields for a note."""
    content = text if isinstance(text, bytes) else dedent(text).encode()
    return list(source.read(SourceFile(f"layer/sessions/{name}.md", content)))


def events(text, **options):
    return [one for one in read(text, **options) if isinstance(one, Event)]


def problems(text, **options):
    return [(one.reason, one.line) for one in read(text, **options) if isinstance(one, Problem)]


def coverage(text, **options):
    rows = [one for one in read(text, **options) if isinstance(one, Coverage)]
    return {row.kind: (row.present, row.extracted) for row in rows}


def told(text, **options):
    """Write the items of a note as ``kind: content``, indented by depth."""
    lines = []
    for event in events(text, **options)[1:]:
        data = event.data
        kind = data.get("type") or event.event_type.removeprefix("session.")
        lines.append("  " * data.get("depth", 0) + f"{kind}: {data.get('content')}")
    return lines


def started(text, **options):
    return events(text, **options)[0].data


def note(body, start="2025-03-01T14:30:00Z"):
    """Put a header above a body; with the usual file name it is local time minus 5 h."""
    return f"# Session: t\n**ID**: {NAME}\n**Started**: {start}\n\n" + dedent(body)


PLAIN = """\
    # Session: tidy the parser
    **ID**: 20250301-093000
    **Started**: 2025-03-01T14:30:00Z
    **LLM**: claude

    ## Previous Session Context
    We left the parser half done.

    ## Goals
    - [ ] tidy it
    - [x] measure it

    ## Activity Log
    ### 09:30 - Session Start
    Session initialized with goal: tidy the parser

    ### 10:15 - Update (covering since 09:30)

    **Work completed**:
    - moved the grammar
      to a file of its own

    **Key decisions & reasoning:**
    1. keep one reader
       - two drift apart
    2. no regex for nesting
    """

GIT = """\
    # Session: indexes
    **ID**: 20250301-093000
    **Started**: 2025-03-01T14:30:00Z
    **LLM**: claude
    **Git Branch**: work
    **Session Tag**: session-20250301-093000-start
    **Starting Commit**: 0123abc

    ## Goals
    - [ ] indexes

    ## Activity Log
    ### 09:30 - Session Start
    Session initialized with goal: indexes

    ### 11:00 - Note [work@0123abc]
    the index is stale

    ## Session Classification
    - Work Type: exploration
    - Files Changed:        2
    - Commits:        0
    - Session Tags: a..b
    """

FRONTMATTER = """\
    ---
    type: session
    id: 20250301-093000
    title: "indexes: again"
    status: archived
    llm: gemini
    created: 2025-03-01T14:30:00Z
    start_timestamp: 1740839400123
    git:
      branch: work
      starting_commit: 0123abc
      start_tag: session-20250301-093000-gemini-start
    ---

    ## Goals
    - [x] indexes

    ## Beliefs Captured: 1
    - [[measure-first]] - measure before building

    ## User Prompts (2)

    1. `look at this:

      ## a pasted heading
      3. a pasted list...`
    2. `go on`
    """

INIT = """\
    # shop Initialization

    Initialized on: 2025-03-01T09:30:00.765658+00:00
    LLM: claude
    Dev Environment: docker

    ## Design Source
    [project]
    name = "shop"

    # a comment
    goals = [
    - "sell"
    ]
    """

FREEFORM = """\
    # Session Summary

    We worked on the hooks all day.

    ## Key Insights
    - hooks beat prompts
    """


class TestEras:
    """Every way a header was ever written loads."""

    def test_the_earliest_header_has_id_start_and_model(self):
        """The start is UTC, the id local; their difference is the writer's offset."""
        data = started(PLAIN)
        assert data["id"] == "20250301-093000"
        assert data["title"] == "tidy the parser"
        assert data["goals"] == ["tidy it", "measure it"]
        assert data["started"] == "2025-03-01T14:30:00Z"
        assert data["utc_offset_minutes"] == -300
        assert (data["era"], data["llm"], data["branch"]) == ("plain", "claude", None)
        assert events(PLAIN)[0].timestamp == datetime(2025, 3, 1, 14, 30, tzinfo=UTC)

    def test_the_items_of_a_note(self):
        """Wrapped lines are joined, nested items follow their parent, labels vary."""
        assert told(PLAIN) == [
            "context: We left the parser half done.",
            "goal: tidy it",
            "goal: measure it",
            "activity: Session initialized with goal: tidy the parser",
            "work: moved the grammar to a file of its own",
            "decision: keep one reader",
            "  activity: two drift apart",
            "decision: no regex for nesting",
        ]

    def test_git_fields_note_and_classification(self):
        """A note carries branch and commit; the classification becomes integers."""
        data = started(GIT)
        assert (data["era"], data["branch"], data["starting_commit"]) == ("git", "work", "0123abc")
        *_, remark, ended = (event.data for event in events(GIT))
        assert (remark["type"], remark["branch"], remark["sha"]) == ("note", "work", "0123abc")
        assert (ended["work_type"], ended["files_changed"], ended["commits"]) == (
            "exploration",
            2,
            0,
        )
        assert ended["session_tags"] == "a..b"

    def test_a_header_with_milliseconds(self):
        """The start timestamp is kept, and is the start where no other is written."""
        text = note("## Goals\n- [ ] g\n").replace(
            "**Started**: 2025-03-01T14:30:00Z", "**Start Timestamp**: 1740839400123"
        )
        data = started(text)
        assert (data["era"], data["start_timestamp"]) == ("timestamp", 1740839400123)
        assert data["time_source"] == "start_timestamp"
        assert data["utc_offset_minutes"] == -300

    def test_frontmatter(self):
        """Values stay text, git is nested, unknown keys are kept."""
        data = started(FRONTMATTER)
        assert data["era"] == "frontmatter"
        assert data["title"] == "indexes: again"
        assert data["started"] == "2025-03-01T14:30:00Z"
        assert (data["branch"], data["session_tag"]) == (
            "work",
            "session-20250301-093000-gemini-start",
        )
        assert (data["status"], data["llm"]) == ("archived", "gemini")
        assert data["extra"] == [{"name": "type", "value": "session"}]

    def test_prompts_may_hold_anything(self):
        """A quoted prompt ends where its quote ends, whatever stands in it."""
        prompts = [e.data for e in events(FRONTMATTER) if e.event_type == "session.prompt"]
        assert [(one["number"], one["content"][:13]) for one in prompts] == [
            (1, "look at this:"),
            (2, "go on"),
        ]
        assert "## a pasted heading" in prompts[0]["content"]

    def test_an_init_file_keeps_its_pasted_design(self):
        """Pasted text is kept by paragraph, comments and all."""
        data = started(INIT, name="20250301-093000-init")
        assert (data["era"], data["dev_environment"]) == ("init", "docker")
        assert data["utc_offset_minutes"] == 0
        assert told(INIT, name="20250301-093000-init") == [
            'activity: [project]\nname = "shop"',
            'activity: # a comment\ngoals = [\n- "sell"\n]',
        ]

    def test_a_freeform_file_is_dated_by_its_name(self):
        """Without a header the file name gives the day, and says so."""
        data = started(FREEFORM, name="20250728-hook-session")
        assert (data["era"], data["time_source"]) == ("freeform", "file stem")
        assert events(FREEFORM, name="20250728-hook-session")[0].timestamp == datetime(
            2025, 7, 28, tzinfo=UTC
        )
        assert told(FREEFORM, name="20250728-hook-session") == [
            "activity: We worked on the hooks all day.",
            "insight: hooks beat prompts",
        ]

    @pytest.mark.parametrize("date", ["July 27, 2025", "27: 2025-07-27", "Jul 27 2025"])
    def test_a_date_in_the_text_is_the_last_resort(self, date):
        """A file without a date in its name is dated by its first lines."""
        text = f"# Session Summary, {date}\n\n- something\n"
        assert started(text, name="summary")["time_source"] == "text"
        assert events(text, name="summary")[0].timestamp == datetime(2025, 7, 27, tzinfo=UTC)


class TestLabels:
    """What an item is follows from the label above it, however that is written."""

    @pytest.mark.parametrize(
        ("label", "kind"),
        [
            ("**Key Decisions:**", "decision"),
            ("**key decisions**:", "decision"),
            ("**Key Decisions and Reasoning:**", "decision"),
            ("**Decisions Made (with reasons):**", "decision"),
            ("__Technical decisions__:", "decision"),
            ("#### Key Decisions", "decision"),
            ("Key decisions:", "decision"),
            ("**Open decisions:**", "activity"),
            ("**Patterns Observed:**", "pattern"),
            ("**Usage Pattern:**", "activity"),
            ("**Challenges & Solutions:**", "challenge"),
            ("**Challenges faced**:", "challenge"),
            ("**Key Insight (for later):**", "insight"),
            ("**Lessons learned:**", "insight"),
            ("**Discussion Context:**", "discussion"),
            ("**Work completed during this period:**", "work"),
            ("**Git Activity:**", "activity"),
            ("**Next Steps:**", "activity"),
        ],
    )
    @pytest.mark.parametrize("item", ["- one", "* one", "+ one", "1. one", "2) one", "one"])
    def test_label_and_list_style_do_not_matter(self, label, kind, item):
        """Case, colon, "&" and the list marker are style."""
        text = note(f"## Activity Log\n### 09:45 - Update\n\n{label}\n\n{item}\n")
        assert told(text) == [f"{kind}: one"]

    def test_a_label_with_text_is_an_item_and_what_follows_its_detail(self):
        """A list or paragraph under an inline label belongs to that item."""
        text = note("""\
            ### 09:45 - Update
            **Decision**: use one file
            - it is smaller

            We looked at two others.

            **Decision: drop the cache**
            """)
        assert told(text) == [
            "decision: use one file",
            "  activity: it is smaller",
            "  activity: We looked at two others.",
            "decision: drop the cache",
        ]

    def test_a_nested_goal_with_a_box_is_a_goal(self):
        """What can be ticked off is a goal, what explains one is a detail."""
        text = note("## Goals\n- [ ] a\n  - [x] b\n  - why\n- [ ]\n")
        assert told(text) == ["goal: a", "  goal: b", "  activity: why"]
        assert started(text)["goals"] == ["a"]

    def test_bold_lines_under_a_known_heading_are_items(self):
        """A heading "Key Decisions" may hold bold titles or sub-headings for items."""
        text = note("""\
            ## Key Decisions

            **Use one file**
            - it is smaller

            ### Drop the cache
            It was stale.
            """)
        assert told(text) == [
            "decision: Use one file",
            "  activity: it is smaller",
            "decision: Drop the cache\nIt was stale.",
        ]

    def test_labels_below_an_empty_label_divide_it(self):
        """Parts of a known label are of its kind; reporting never is."""
        text = note("""\
            **Work Completed:**

            **Phase 1:**
            - a

            **Phase 2:**
            - b

            **Commits:**
            - c
            """)
        assert told(text) == ["work: a", "work: b", "activity: c"]

    def test_text_after_a_list_is_no_further_item(self):
        """A closing remark under a list of decisions decides nothing."""
        text = note("**Key Decisions:**\n- a\n\nThat is all.\n")
        assert told(text) == ["decision: a", "activity: That is all."]

    def test_headings_and_labels_that_stand_alone_are_kept(self):
        """A title with nothing under it is all that was said."""
        text = note("### 10:00 - Released 0.2\n\n### 10:05 - Update\n**All done.**\n")
        assert told(text) == ["activity: 10:00 - Released 0.2", "activity: All done."]

    def test_an_item_says_where_it_stands(self):
        """Section, label, lines, order and nesting are part of each item."""
        item = events(PLAIN)[-2].data
        expected = {
            "section": "10:15 - Update (covering since 09:30)",
            "label": "Key decisions & reasoning",
            "time_text": "10:15",
            "time_source": "block",
            "line_start": 25,
            "line_end": 25,
            "depth": 1,
            "form": "bullet",
            "detail_of": "decision",
            "parent": events(PLAIN)[-3].data["ordinal"],
        }
        assert {key: item[key] for key in expected} == expected


class TestFences:
    """Code is never read as structure."""

    def test_code_belongs_to_the_text_above_it(self):
        """Headings, labels and lists inside a fence are code."""
        text = note("""\
            **Key Decisions:**
            1. run it so

               ```sh
               # not a heading
               - not an item
               ```
            2. never by hand
            """)
        first, second = told(text)
        assert first.startswith("decision: run it so\n\n```sh\n# not a heading\n- not an item\n```")
        assert second == "decision: never by hand"

    def test_a_fence_that_is_never_closed_ends_at_the_next_time(self):
        """One forgotten fence does not swallow the rest of the day."""
        text = note("### 09:40 - Update\n```\ncode\n\n### 10:00 - Update\n- after\n")
        assert told(text) == ["activity: ```\ncode", "activity: after"]

    def test_a_time_inside_a_closed_fence_is_code(self):
        """A quoted session note is a quote."""
        text = note("### 09:40 - Update\n```\n### 10:00 - Update\n- inside\n```\n- after\n")
        assert [event.data["time_text"] for event in events(text)[1:]] == ["09:40", "09:40"]


class TestTimes:
    """Local clock times become instants."""

    def _instants(self, *clocks, start="2025-03-01T14:30:00Z"):
        body = "".join(f"### {clock} - Update\n- x\n\n" for clock in clocks)
        return [f"{e.timestamp:%d %H:%M:%S}" for e in events(note(body, start))[1:]]

    def test_a_block_is_placed_by_the_offset(self):
        """09:45 in a place five hours behind UTC is 14:45."""
        assert self._instants("09:45") == ["01 14:45:00"]

    def test_past_midnight_more_than_once(self):
        """A time far before the last one is of the next day."""
        assert self._instants("23:50", "00:10", "23:00", "1:00") == [
            "02 04:50:00",
            "02 05:10:00",
            "03 04:00:00",
            "03 06:00:00",
        ]

    def test_a_small_step_back_stays_in_its_day(self):
        """A block written late is not a day later."""
        assert self._instants("11:30", "11:16") == ["01 16:30:00", "01 16:16:00"]

    def test_a_span_counts_at_its_end_and_a_tilde_is_approximate(self):
        """What a span tells was written when it ended."""
        body = "### 09:40-11:30 - Review\n- x\n\n### ~11:40 - Talk\n- y\n\n### 11:45 - Z\n- z\n"
        items = [e.data for e in events(note(body))[1:]]
        assert self._instants("09:40-11:30") == ["01 16:30:00"]
        assert [(i["time_text"], i["approximate"]) for i in items] == [
            ("09:40-11:30", True),
            ("11:40", True),
            ("11:45", False),
        ]

    def test_nothing_happens_before_its_session(self):
        """A heading has no seconds; one in the first minute means the start."""
        assert self._instants("09:30", start="2025-03-01T14:30:41Z") == ["01 14:30:41"]

    def test_what_has_no_time_is_not_dated_early(self):
        """Closing sections were written after the last time above them."""
        text = note("## Goals\n- g\n\n### 12:00 - Update\n- x\n\n## Session Summary\n- s\n")
        sources = [(e.data["time_source"], f"{e.timestamp:%H:%M}") for e in events(text)[1:]]
        assert sources == [("start", "14:30"), ("block", "17:00"), ("last block", "17:00")]

    @pytest.mark.parametrize("start", ["2025-03-02T14:30:00Z", "2025-02-28T09:30:00Z"])
    def test_an_impossible_offset_is_none(self, start):
        """No place is a day from UTC: then the blocks are given the start."""
        text = note("### 12:00 - Update\n- x\n", start)
        assert started(text)["utc_offset_minutes"] is None
        assert [e.data["time_source"] for e in events(text)[1:]] == ["start"]

    def test_an_offset_is_rounded_to_a_quarter_of_an_hour(self):
        """Writing the header takes a few seconds."""
        data = started(note("", start="2025-03-01T03:44:57Z"))
        assert data["utc_offset_minutes"] == 345


class TestBadFiles:
    """Bad bytes are told and never raised."""

    def test_bytes_that_are_not_utf8(self):
        """The line is named, the bytes stay visible and the rest is read."""
        text = note("## Goals\n- [ ] caf\n").encode().replace(b"caf", b"caf\xe9")
        assert problems(text) == [("not UTF-8", 6)]
        assert told(text) == ["goal: caf\\xe9"]

    def test_line_ends_and_byte_order_mark_do_not_matter(self):
        """CRLF, CR, BOM and a missing last line end give the same events."""
        plain = dedent(GIT).encode()
        ids = [event.event_id for event in events(plain)]
        for other in (
            plain.replace(b"\n", b"\r\n"),
            plain.replace(b"\n", b"\r"),
            b"\xef\xbb\xbf" + plain,
            plain.rstrip(b"\n"),
        ):
            assert [event.event_id for event in events(other)] == ids

    @pytest.mark.parametrize("content", [b"", b"\n \n\t", b"\xef\xbb\xbf"])
    def test_an_empty_file(self, content):
        """It is a problem, not a session."""
        assert problems(content) == [("empty file", None)]
        assert events(content) == []

    def test_a_symbolic_link(self):
        """A link's target is no note."""
        file = SourceFile("layer/sessions/a.md", b"20250301-093000.md", is_symlink=True)
        assert [one.reason for one in FULL.read(file)] == ["symbolic link"]

    def test_no_start_time(self):
        """Without any date there is no event."""
        assert problems("hello\n", name="README") == [("no start time", 1)]
        assert events("hello\n", name="README") == []

    def test_an_unreadable_start_falls_back_to_the_name(self):
        """The text is kept, the problem names its line."""
        text = note("- x\n", start="yesterday")
        assert problems(text) == [("unreadable start time", 3)]
        assert started(text)["time_source"] == "file stem"
        assert started(text)["started"] == "yesterday"

    def test_frontmatter_that_is_no_key_and_value(self):
        """The line is a problem, the others are read."""
        text = dedent(FRONTMATTER).replace("status: archived", "- archived")
        assert problems(text) == [("frontmatter line", 5)]
        assert started(text)["llm"] == "gemini"

    def test_frontmatter_without_end(self):
        """It is text then, and a problem."""
        assert problems("---\ntitle: x\n\n- y\n") == [("frontmatter not closed", 1)]

    def test_nul_bytes_are_text(self):
        """A NUL is a character like any other."""
        assert told(note("- a\0b\n")) == ["activity: a\0b"]

    @pytest.mark.parametrize(
        "piece",
        [
            *("#", "# ", "**", "**a", "```\n", "```x\n", "`", "1", "- \n", "(", "<!--", " "),
            *("\t- a\n", "---\n", "| a |\n", "### 10:00\n", "### 23:00\n### 01:00\n", "**a:**\n"),
        ],
    )
    def test_time_grows_with_length_and_no_faster(self, piece):
        """No pattern in a note may stall a scrape: 100,000 repetitions take seconds at most."""
        before = time.perf_counter()
        read(note(piece * (100_000 // len(piece)) + "x"))
        assert time.perf_counter() - before < 5


class TestOptions:
    """Which files, and how they are read."""

    @pytest.mark.parametrize(
        ("glob", "path", "wanted"),
        [
            ("layer/sessions/*.md", "layer/sessions/a.md", True),
            ("layer/sessions/*.md", "layer/sessions/old/a.md", False),
            ("layer/sessions/*.md", "x/layer/sessions/a.md", False),
            ("layer/**/*.md", "layer/a.md", True),
            ("layer/**/*.md", "layer/b/c/a.md", True),
            ("**/a.md", "a.md", True),
            ("a?.md", "ab.md", True),
            ("a?.md", "a/.md", False),
            ("a+b.md", "aab.md", False),
            (["x/*.md", "y/*.md"], "y/a.md", True),
            ([], "a.md", False),
        ],
    )
    def test_globs(self, glob, path, wanted):
        """One star stays within a folder, two do not."""
        assert SessionSource(glob=glob).wants(path) is wanted

    def test_options_are_json(self):
        """The options say what was asked, with defaults filled in."""
        assert FULL.options() == {"glob": ["layer/sessions/*.md"], "mode": "full"}
        assert isinstance(FULL, FileSource)

    @pytest.mark.parametrize("bad", [{"mode": "loose"}, {"glob": 3}, {"glob": [3]}])
    def test_bad_options(self, bad):
        """The message names the value and the way out."""
        with pytest.raises(InvalidOption, match=r"(loose|3).*Use"):
            SessionSource(**bad)


class TestStrict:
    """The earlier scraper's reading, with all that it misses."""

    BODY = """\
        ## Previous Session Context
        before

        ## Goals
        - [ ] g
        - not a goal

        ### 10:00 - Update
        **Key Decisions:**
        - a
          - nested
        1. numbered
        **Patterns Observed:**
        * p
        **Work Completed:**
        - bullet
        1. w

        ### 11:00 - Update
        **Key Decisions:**
        - second block
        **Key decisions:**
        - other spelling

        ## Session Classification
        - Work Type: feature
        - Files Changed:     3
        """

    def test_what_it_finds(self):
        """First labels only, bullets for decisions, numbers for work."""
        assert told(note(self.BODY), source=STRICT) == [
            "goal: g",
            "context: before",
            "decision: a",
            "decision: nested",
            "pattern: p",
            "work: w",
            "ended: None",
        ]

    def test_everything_has_the_time_of_the_start(self):
        """It read no time but the session's."""
        stamps = {event.timestamp for event in events(note(self.BODY), source=STRICT)}
        assert stamps == {datetime(2025, 3, 1, 14, 30, tzinfo=UTC)}

    def test_the_classification(self):
        """What is not said is null."""
        ended = events(note(self.BODY), source=STRICT)[-1].data
        assert (ended["work_type"], ended["files_changed"], ended["commits"]) == (
            "feature",
            3,
            None,
        )

    def test_a_heading_is_the_second_choice(self):
        """Without the label the heading is taken, also a deeper one, to the next "## "."""
        text = "### Key Decisions\n- a\n### More\n- b\n## End\n- c\n"
        assert [content for _, content in session_strict.items(text)] == ["a", "b"]

    def test_a_placeholder_is_no_context(self):
        """Neither reading takes the template's comment for context."""
        text = note("## Previous Session Context\n<!-- fill in -->\n\n## Goals\n- [ ] g\n")
        assert told(text, source=STRICT) == told(text) == ["goal: g"]

    def test_its_coverage_shows_what_it_misses(self):
        """Coverage counts what is there, whoever reads."""
        assert coverage(note(self.BODY), source=STRICT)["decisions"] == (4, 2)
        assert coverage(note(self.BODY))["decisions"] == (4, 4)


# ---------------------------------------------------------------------------------- laws
# A note is made of pieces whose every line holds a word found nowhere else, so that a
# law can ask where each word went.

LABELS = {
    "Key Decisions": "decision",
    "Patterns observed": "pattern",
    "Work Completed": "work",
    "Challenges & Solutions": "challenge",
    "Key Insights": "insight",
    "Discussion Context": "discussion",
    "Next Steps": "activity",
    "Anything else": "activity",
}


@st.composite
def notes(draw):
    """Draw a note, the words in it, and the kind that each top-level list word has."""
    counter = iter(range(10_000))
    kinds: dict[str, str] = {}

    def word():
        return f"w{next(counter):04d}"

    lines = ["## Goals"]
    for _ in range(draw(st.integers(0, 2))):
        kinds[one := word()] = "goal"
        lines.append(f"- [{draw(st.sampled_from(' x'))}] {one}")
    lines += ["", "## Activity Log"]
    for minute in range(draw(st.integers(1, 3))):
        lines += [f"### 09:{40 + minute} - Update", ""]
        if draw(st.booleans()):
            lines += [f"{word()} {word()}", word(), ""]
        for _ in range(draw(st.integers(0, 3))):
            label = draw(st.sampled_from(sorted(LABELS)))
            lines.append(draw(st.sampled_from(["**{}:**", "**{}**:", "__{}:__"])).format(label))
            lines += [""] * draw(st.integers(0, 1))
            lines += _draw_list(draw, word, kinds, LABELS[label])
            if draw(st.booleans()):
                lines += ["", draw(st.sampled_from(["{}", "> {}", "```\n{}\n```", "| {} |"]))]
                lines[-1] = lines[-1].format(word())
            lines.append("")
    if draw(st.booleans()):
        lines += ["## Session Classification", f"- Work Type: {word()}", f"- Cost: {word()}"]
    text = note("") + "\n".join(lines) + "\n"
    return text, [f"w{n:04d}" for n in range(next(counter))], kinds


def _draw_list(draw, word, kinds, kind):
    lines = []
    numbered = draw(st.booleans())
    for number in range(1, draw(st.integers(2, 4))):
        marker = f"{number}." if numbered else draw(st.sampled_from("-*+"))
        kinds[one := word()] = kind
        lines.append(f"{marker} {one}")
        indent = " " * (len(marker) + 1)
        extra = draw(st.sampled_from(["", "wrap", "child", "code", "paragraph"]))
        if extra == "wrap":
            lines.append(indent + word())
        elif extra == "child":
            lines += [f"{indent}- {word()}", f"{indent}  {word()}"]
        elif extra == "code":
            lines += [f"{indent}```", f"{indent}- {word()}", f"{indent}```"]
        elif extra == "paragraph":
            lines += ["", indent + word(), ""]
    return lines


def words_in(event):
    """All text of an event's payload, as one string."""
    return repr(dict(event.data))


def nothing_is_lost(reader, made):
    """Each word of the note is in an event, and each line of words in an event's span."""
    text, words, _ = made
    found = reader(text)
    everything = " ".join(map(words_in, found))
    spans = {
        line
        for event in found
        for line in range(event.data["line_start"], event.data["line_end"] + 1)
    }
    assert [word for word in words if word not in everything] == []
    lines = enumerate(text.split("\n"), start=1)
    assert [n for n, line in lines if any(w in line for w in words) and n not in spans] == []


def kinds_are_right(reader, made):
    """Find each top-level list item exactly once, of the kind of its label."""
    text, _, kinds = made
    found = Counter()
    for event in reader(text)[1:]:
        data = event.data
        if data.get("depth") == 0 and data["form"] in ("bullet", "number"):
            kind = data.get("type") or event.event_type.removeprefix("session.")
            found[data["content"].split()[0], kind] += 1
    assert found == Counter(dict.fromkeys(kinds.items(), 1))


def coverage_is_whole(reader, made):
    """Expect the two readings to agree on how many items there are."""
    counted = coverage(made[0])
    assert {kind: pair for kind, pair in counted.items() if pair[0] != pair[1]} == {}


def order_is_sound(reader, made):
    """Ordinals rise by one, lines and parents come in order, times never precede the start."""
    found = reader(made[0])
    data = [event.data for event in found]
    assert [one["ordinal"] for one in data] == list(range(len(data)))
    starts = [one["line_start"] for one in data]
    assert starts == sorted(starts)
    assert all(one["line_start"] <= one["line_end"] for one in data)
    for one in data[1:]:
        assert (one["parent"] is None) == (one["depth"] == 0)
        if one["parent"] is not None:
            assert data[one["parent"]]["depth"] == one["depth"] - 1
            assert one["parent"] < one["ordinal"]
    assert min(event.timestamp for event in found) == found[0].timestamp
    assert len({event.event_id for event in found}) == len(found)


LAWS = [nothing_is_lost, kinds_are_right, coverage_is_whole, order_is_sound]


@pytest.mark.parametrize("law", LAWS)
@given(made=notes())
@settings(max_examples=60, **SLOW)
def test_laws_of_the_full_reading(law, made):
    """Nothing is lost, kinds are right, coverage is whole, order is sound."""
    law(events, made)


def without_numbers(text):
    """Read as if numbered lists were not there, as an earlier reader did."""
    return [event for event in events(text) if event.data.get("form") != "number"]


def without_the_last(text):
    """Stop one item early."""
    return events(text)[:-1]


def without_the_first(text):
    """Skip an item but go on counting."""
    return events(text)[:1] + events(text)[2:]


def backwards(text):
    """Read from the end."""
    return events(text)[::-1]


def all_activity(text):
    """Read without knowing any label."""
    return [
        Event("session.activity", e.timestamp, e.source_id, {**e.data, "type": None})
        for e in events(text)
    ]


@pytest.mark.parametrize(
    ("law", "reader"),
    [
        (nothing_is_lost, without_numbers),
        (nothing_is_lost, without_the_last),
        (kinds_are_right, without_numbers),
        (kinds_are_right, all_activity),
        (order_is_sound, backwards),
        (order_is_sound, without_the_first),
    ],
)
def test_the_laws_fail_for_a_broken_reader(law, reader):
    """Each law is able to fail: a reader that loses, mislabels or shuffles breaks it."""

    @given(made=notes())
    @settings(max_examples=60, database=None, report_multiple_bugs=False, **SLOW)
    def holds(made):
        law(reader, made)

    with pytest.raises((AssertionError, KeyError)):
        holds()


def test_coverage_shows_a_hole_in_the_parser(monkeypatch):
    """A parser that takes numbered lines for text no longer agrees with the count."""
    text = note("**Key Decisions:**\n1. a\n2. b\n3. c\n")
    assert coverage(text)["decisions"] == (3, 3)
    bullets_only = session_grammar.re.compile(r"([-*+])(?:[ \t]+(.*))?$")
    monkeypatch.setattr(session_grammar, "_ITEM", bullets_only)
    assert coverage(text)["decisions"] == (3, 1)


@st.composite
def days(draw):
    """Draw a start, an offset and local times less than 18 hours apart."""
    offset = timedelta(minutes=15 * draw(st.integers(-48, 56)))
    local = datetime(2025, 2, 27, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 2879)))
    gaps = draw(st.lists(st.integers(0, 18 * 60 - 1), max_size=8))
    return local, offset, gaps


def times_are_right(made):
    """Clock times alone give back the instants that they were written at."""
    local, offset, gaps = made
    expected, body, when = [], "", local
    for gap in gaps:
        when += timedelta(minutes=gap)
        expected.append(when - offset)
        body += f"### {when:%H:%M} - Update\n- x\n\n"
    header = f"**Started**: {local - offset:%Y-%m-%dT%H:%M:%SZ}\n\n"
    found = events(header + body, name=f"{local:%Y%m%d-%H%M%S}")
    assert found[0].data["utc_offset_minutes"] == offset // timedelta(minutes=1)
    assert [event.timestamp for event in found[1:]] == expected


@given(made=days())
@settings(max_examples=80, **SLOW)
def test_times_past_any_midnight(made):
    """As long as no two times are 18 hours apart, each block's day is known."""
    times_are_right(made)


def test_times_fail_for_a_reader_that_knows_no_midnight(monkeypatch):
    """Without the next day the law breaks."""
    monkeypatch.setattr(sessions, "PAST_MIDNIGHT", 24 * 60)

    @given(made=days())
    @settings(max_examples=80, database=None, report_multiple_bugs=False, **SLOW)
    def holds(made):
        times_are_right(made)

    with pytest.raises(AssertionError):
        holds()


SHREDS = [
    *(line for text in (PLAIN, GIT, FRONTMATTER, INIT, FREEFORM) for line in text.split("\n")),
    *("**", "**:**", "__a:__", "- [ ]", "-", "1.", "\t- a", "```", "~~~~", "    ```", "---"),
    *("### 24:61 - a", "### ~9:5", "#", "## ", "<!--", "-->", "> q", "| a |", "\x00", "\ufeff"),
    *("`", "1. `open", "2. `a`", "## User Prompts (2)", "## Session Classification", "- a: b"),
    *("**Started**: 9999-12-31T23:59:59-14:00", "created: 0001-01-01", "start_timestamp: 9" * 9),
]


def is_sound(source, name, content):
    """Whatever the bytes: events that can be stored, in order, within the file."""
    out = list(source.read(SourceFile(name, content)))
    again = list(SessionSource(mode=source.options()["mode"]).read(SourceFile(name, content)))
    assert out == again
    assert out
    last = content.count(b"\n") + content.count(b"\r") + 1
    found = [one for one in out if isinstance(one, Event)]
    assert [event.data["ordinal"] for event in found] == list(range(len(found)))
    for event in found:
        assert len(event.event_id) == 64
        assert event.data.get("line_end", 1) <= last
    for one in out:
        if isinstance(one, Problem):
            assert one.detail
            assert one.line is None or 1 <= one.line <= last


@pytest.mark.parametrize("source", [FULL, STRICT], ids=["full", "strict"])
@given(
    name=st.sampled_from(["20250301-093000.md", "20250301-093000-init.md", "x.md", "\udcff.md"]),
    content=st.one_of(
        st.binary(max_size=200),
        st.lists(st.one_of(st.sampled_from(SHREDS), st.text(max_size=12)), max_size=40).map(
            lambda lines: "\n".join(lines).encode(errors="replace")
        ),
        st.tuples(st.integers(0, 900), st.integers(0, 60), st.binary(max_size=8)).map(
            lambda cut: GIT.encode()[: cut[0]] + cut[2] + GIT.encode()[cut[0] + cut[1] :]
        ),
    ),
)
@settings(max_examples=250, **SLOW)
def test_no_bytes_break_a_reading(source, name, content):
    """Arbitrary bytes, shuffled notes and notes with holes are read, twice the same."""
    is_sound(source, name, content)


@given(made=notes())
@settings(max_examples=60, **SLOW)
def test_the_strict_reading_only_quotes(made):
    """Each item of the strict reading is a line of the note, at the time of its start."""
    text, _, _ = made
    lines = text.split("\n")
    first, *found = events(text, source=STRICT)
    for event in found:
        assert event.timestamp == first.timestamp
        if event.event_type in ("session.decision", "session.work", "session.observation"):
            assert any(event.data["content"] in line for line in lines)
