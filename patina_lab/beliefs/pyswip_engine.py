"""SWI-Prolog inside this process, by pyswip: for teaching, where one wants to look into it.

The rules are checked as in `SwiplEngine`, but nothing can be killed: an endless rule is only
stopped by its inferences, Jupyter's stop button does nothing meanwhile, and a crash of Prolog
is a crash of the kernel.  There is one Prolog in a process, so engines share it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from patina_lab.beliefs import answers
from patina_lab.beliefs.facts import FactSet
from patina_lab.beliefs.proof import Proof
from patina_lab.beliefs.rules import Candidate, Formed, Used
from patina_lab.beliefs.ruleset import RuleSet, load
from patina_lab.beliefs.swipl import WORKER, Limits
from patina_lab.errors import MissingTool


class PyswipEngine:
    """A `RuleEngine` that runs rule sets in this process.

    Parameters
    ----------
    limits : Limits
        Only `Limits.inferences` is kept.

    Raises
    ------
    MissingTool
        pyswip or SWI-Prolog is not installed.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        try:
            from pyswip import Prolog
        except Exception as err:  # pyswip raises what its search for the library happens to raise
            raise MissingTool(
                f"Prolog inside the kernel needs pyswip and SWI-Prolog ({err}).",
                "Install them: ./run setup prolog; or use SwiplEngine.",
            ) from err
        self.limits = limits or Limits()
        self._prolog = Prolog()
        if not list(self._prolog.query("current_module(patina_worker)", maxresult=1)):
            self._prolog.consult(str(WORKER))

    def form(self, facts: FactSet, rules: str | Path | RuleSet) -> Formed:
        """Return the beliefs that follow (see `RuleEngine.form`)."""
        rules = load(rules)
        read = self._load(facts, rules)
        answer = self._ask(op="run", id=rules.digest, inferences=self.limits.inferences)
        return answers.formed(answer, read, facts, rules, self)

    def prove(self, facts: FactSet, rules: str | Path | RuleSet, belief: Candidate) -> Proof:
        """Return why a belief follows (see `RuleEngine.prove`)."""
        rules = load(rules)
        read = self._load(facts, rules)
        answer = self._ask(
            op="prove",
            id=rules.digest,
            inferences=self.limits.inferences,
            **answers.question(facts, belief),
        )
        return answers.proved(answer, read, facts, rules)

    def used(
        self, facts: FactSet, rules: str | Path | RuleSet, beliefs: Sequence[Candidate]
    ) -> list[Used]:
        """Return the facts that each proof uses (see `RuleEngine.used`)."""
        rules = load(rules)
        self._load(facts, rules)
        asked = [answers.question(facts, belief) for belief in beliefs]
        answer = self._ask(
            op="used", id=rules.digest, inferences=self.limits.inferences, beliefs=asked
        )
        return answers.used(answer, facts, rules)

    def _load(self, facts: FactSet, rules: RuleSet) -> dict[str, Any]:
        global _loaded
        if _loaded != facts.digest:
            with tempfile.TemporaryDirectory(prefix="patina-rules-") as folder:
                path = Path(folder) / "facts.pl"
                facts.write_prolog(path)
                self._ask(op="facts", path=str(path))
            _loaded = facts.digest
        request = {"op": "rules", "id": rules.digest, "text": rules.text}
        answer = self._ask(**request, parameters=dict(rules.parameters))
        return answers.loaded(answer, rules)

    def _ask(self, **request: Any) -> dict[str, Any]:
        text = orjson.dumps(request).decode().replace("\\", "\\\\").replace('"', '\\"')
        query = f'patina_worker:handle("{text}", Answer)'
        (found,) = list(self._prolog.query(query, maxresult=1))
        answer: dict[str, Any] = orjson.loads(found["Answer"])
        return answer


_loaded = ""
"""Digest of the facts that this process's one Prolog holds."""
