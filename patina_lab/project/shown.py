"""How the results of this package show themselves at the end of a cell."""

from __future__ import annotations


class Card:
    """A repr as a small table, in text and in HTML, of what `facts` tells."""

    def facts(self) -> list[tuple[str, str]]:
        """Return pairs of a label and a text."""
        raise NotImplementedError

    def __repr__(self) -> str:
        from patina_lab.eventlog.eventlog import text_card

        return text_card(type(self).__name__, self.facts())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        from patina_lab.eventlog.eventlog import html_card

        return {"text/plain": repr(self), "text/html": html_card(type(self).__name__, self.facts())}
