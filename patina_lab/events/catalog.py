"""The catalog of event types: names, schema versions, payload models, upcasters.

A payload changes by addition only.  When a type gets a new version, an *upcaster* turns
a payload of the version before into the next, so that old events can be read for ever;
``tests/events/golden/`` holds one payload for every version ever shipped.

Types that are not in the catalog are no error: they stay in the log as they are (policy
``keep``), or are pointed out (``warn``), or refused (``fail``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Policy = Literal["keep", "warn", "fail"]
Upcaster = Callable[[Mapping[str, Any]], dict[str, Any]]
Text = Annotated[str, Field(min_length=1)]


class Payload(BaseModel):
    """Base of the payload models: more keys than those named are welcome."""

    model_config = ConfigDict(extra="allow", strict=True)


class TouchedFile(Payload):
    """One file of a commit.  Both counts are None where nothing could be counted."""

    path: str
    change: Text
    lines_added: int | None
    lines_removed: int | None
    old_path: str | None = None
    similarity: int | None = None
    kind: Literal["symlink", "submodule"] | None = None
    binary: bool = False


class GitCommit(Payload):
    """``git.commit``: `source_id` is the sha; the timestamp is the author's date.

    ``author_date`` and ``committer_date`` are ISO 8601 with the offset as recorded.
    ``escaped`` names the values that are no UTF-8; ``missing`` says what could not be read.
    """

    sha: Text
    message: str
    author: str
    email: str
    files: list[TouchedFile]
    parents: list[str]
    author_date: str | None
    committer: str
    committer_email: str
    committer_date: str | None
    escaped: list[str] = []
    missing: str | None = None


class GitTag(Payload):
    """``git.tag``: `source_id` is the name; a lightweight tag has its commit's time.

    ``message`` is what the tagger wrote; a ``signature`` below it stands apart.
    """

    name: Text
    sha: Text
    object: Text
    annotated: bool
    tagger: str | None
    date: str
    message: str | None
    signature: str | None = None


class SessionStarted(Payload):
    """``session.started``: `source_id` of this and of all its items is the session's id."""

    id: Text
    title: str | None
    branch: str | None
    goals: list[str]


class SessionItem(Payload):
    """``session.goal``, ``.decision``, ``.work``, ``.context``, ``.activity``, ``.prompt``."""

    session_id: Text
    content: str


class SessionGoal(SessionItem):
    """``session.goal``: a line of the list of goals."""

    completed: bool | None = None


class SessionObservation(SessionItem):
    """``session.observation``: `type` is pattern, challenge, insight, discussion or note."""

    type: Text


class SessionEnded(Payload):
    """``session.ended``: the classification at the end of a session, where there is one."""

    session_id: Text


class ObservationCaptured(Payload):
    """``observation_captured``: a fact somebody noted."""

    content: Text
    observation_type: str | None = None
    source_type: str | None = None
    source_id: str | None = None
    domains: list[str] = []
    reliability: float | None = Field(default=None, ge=0, le=1)


class ObservationProposed(Payload):
    """``observation_proposed``: a private event was put to the team.

    `event` and `proposed_event` are identities, `path` the shared event file, `branch` where
    it was proposed.
    """

    event: Text
    proposed_event: Text
    path: Text
    branch: Text


class DecisionMade(Payload):
    """``decision_made``: a choice with its reason."""

    decision: Text
    rationale: str | None = None
    alternatives: list[str] = []
    domains: list[str] = []
    context: str | None = None


class PatternIdentified(Payload):
    """``pattern_identified``: a recurring theme."""

    pattern_name: Text
    content: Text
    rationale: str | None = None
    evidence: list[str] = []
    domains: list[str] = []
    observation_count: int | None = None


class BeliefFormed(Payload):
    """``belief_formed``: a conclusion drawn from observations."""

    belief: Text
    confidence: float = Field(ge=0, le=1)
    evidence_count: int | None = None
    evidence_observations: list[str] = []
    domains: list[str] = []
    scope: str | None = None


class BeliefRevised(BeliefFormed):
    """``belief_revised``: the same belief, on other evidence or with another confidence."""

    belief_id: Text
    previous: Text


class BeliefRetired(Payload):
    """``belief_retired``: a belief that is not held any more.  `previous` is its last event."""

    belief: Text
    belief_id: Text
    previous: Text


@dataclass(frozen=True)
class EventType:
    """One entry of the catalog.

    Parameters
    ----------
    name : str
    model : type of Payload
        What a payload of the newest version must hold.
    version : int
        The newest schema version, from 1.
    upcasters : tuple of callables
        ``upcasters[i]`` turns a payload of version ``i + 1`` into one of version ``i + 2``.
    """

    name: str
    model: type[Payload]
    version: int = 1
    upcasters: tuple[Upcaster, ...] = ()

    def __post_init__(self) -> None:
        if len(self.upcasters) != self.version - 1:
            raise ValueError(
                f"{self.name} is at version {self.version} and needs {self.version - 1} "
                f"upcasters, not {len(self.upcasters)}"
            )

    def upcast(self, payload: Mapping[str, Any], version: int) -> dict[str, Any]:
        """Return `payload`, written at `version`, as the newest version has it."""
        value = dict(payload)
        for step in self.upcasters[version - 1 :]:
            value = step(value)
        return value


class UnknownEventType(ValueError):
    """An event type that is not in the catalog, under the policy ``fail``."""


class InvalidPayload(ValueError):
    """A payload that its event type's model refuses."""


@dataclass(frozen=True)
class Catalog:
    """All event types that are known, and what to do with the others.

    Examples
    --------
    >>> catalog().check("decision_made", {"decision": "Use DuckDB"})
    {'decision': 'Use DuckDB'}
    >>> catalog().check("tea_brewed", {"minutes": 4})
    {'minutes': 4}
    """

    types: Mapping[str, EventType]
    policy: Policy = "keep"

    def __contains__(self, event_type: str) -> bool:
        return event_type in self.types

    def check(
        self, event_type: str, payload: Mapping[str, Any], version: int = 1
    ) -> dict[str, Any]:
        """Return the payload at the newest version, or say what is wrong with it.

        A version newer than the catalog's is kept as it is: additive change keeps it
        readable.

        Raises
        ------
        InvalidPayload
            With the first fault, by key.
        UnknownEventType
            Only under the policy ``fail``.
        """
        known = self.types.get(event_type)
        if known is None:
            if self.policy == "fail":
                raise UnknownEventType(f"{event_type!r} is no known event type")
            return dict(payload)
        if version < 1:
            raise InvalidPayload(f"schema version {version} is below 1")
        value = known.upcast(payload, min(version, known.version))
        try:
            known.model.model_validate(value)
        except ValidationError as err:
            fault = err.errors()[0]
            where = ".".join(str(part) for part in fault["loc"]) or "payload"
            raise InvalidPayload(f"{event_type}: {where}: {fault['msg']}") from err
        return value


_TYPES = (
    EventType("git.commit", GitCommit),
    EventType("git.tag", GitTag),
    EventType("session.started", SessionStarted),
    EventType("session.goal", SessionGoal),
    EventType("session.decision", SessionItem),
    EventType("session.observation", SessionObservation),
    EventType("session.work", SessionItem),
    EventType("session.context", SessionItem),
    EventType("session.activity", SessionItem),
    EventType("session.prompt", SessionItem),
    EventType("session.ended", SessionEnded),
    EventType("observation_captured", ObservationCaptured),
    EventType("observation_proposed", ObservationProposed),
    EventType("decision_made", DecisionMade),
    EventType("pattern_identified", PatternIdentified),
    EventType("belief_formed", BeliefFormed),
    EventType("belief_revised", BeliefRevised),
    EventType("belief_retired", BeliefRetired),
)


def catalog(policy: Policy = "keep", more: Iterable[EventType] = ()) -> Catalog:
    """Return the built-in catalog, with `more` types and a policy for unknown ones."""
    return Catalog({t.name: t for t in (*_TYPES, *more)}, policy)
