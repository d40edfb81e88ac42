"""Where change gathers: files as a treemap by folder, or as bars.

Columns in: path, commits, lines_added, lines_removed, churn, authors, last_changed
(what ``lab.project(pt.hotspots)`` gives; counts of lines may be missing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from patina_lab.errors import InvalidOption
from patina_lab.views import chart, labels
from patina_lab.views.chart import many
from patina_lab.views.renderer import INK, MUTED
from patina_lab.views.treemap import Box, folders, squarify

if TYPE_CHECKING:
    from patina_lab.views.chart import Chart

COLUMNS = {
    "path": "text",
    "commits": "count",
    "lines_added": "number",
    "lines_removed": "number",
    "churn": "number",
    "authors": "count",
    "last_changed": "time",
}
SOURCE = "lab.project(pt.hotspots)"
_TITLE = "Hotspots"
_ROOT = "(top level)"
_BOLD = 11.8
"""A bold letter of 11 pixels is about as wide as a plain one of this size."""
_STRIP = 17
"""Pixels above a folder's files, for its name."""


def hotspots(df: Any, *, top: int = 40, size: Literal["commits", "churn"] = "commits") -> Chart:
    """Draw the files that change most, grouped by folder, each as large as its change.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    top : int
        How many files.
    size : {"commits", "churn"}
        What the area stands for.  Lines (churn) follow generated and vendored files;
        commits follow attention.

    Returns
    -------
    altair.LayerChart
        Darker files were changed by more authors; a pale large one hangs on few people.
    """
    if size not in ("commits", "churn"):
        raise InvalidOption(f"size is {size!r}.", "Give size='commits' or size='churn'.")
    rows = _read(df, "hotspots", top)
    ranked = rows[rows[size] > 0].sort_values([size, "path"], ascending=[False, True])
    if ranked.empty:
        return chart.nothing(_TITLE, COLUMNS)
    alt = chart.altair()
    shown = ranked.head(top).reset_index(drop=True)
    width, height = chart.WIDTH + 40, 440
    files, strips = _layout(shown, size, Box(0, 0, width, height))
    most = int(shown["authors"].max())
    for file, authors in zip(files, shown["authors"], strict=True):
        file["dark"] = bool(most > 1 and (authors - 1) / (most - 1) > 0.45)

    def at(across: str, down: str) -> dict[str, Any]:
        return {
            "x": chart.along("x", across, 0, width),
            "y": chart.along("y", down, height, 0),
        }

    base = alt.Chart(chart.data(files).astype({"churn": "Int64"}))
    color = alt.condition("datum.dark", alt.value("white"), alt.value(INK))
    name = base.mark_text(align="left", baseline="top", fontSize=11, aria=False)
    count = base.mark_text(align="left", baseline="top", fontSize=10, opacity=0.85, aria=False)
    layers = [
        base.mark_rect(stroke="white", strokeWidth=1, cornerRadius=2).encode(
            **at("x", "y"),
            x2="x2:Q",
            y2="y2:Q",
            color=alt.Color(
                "authors:Q",
                title="authors",
                scale=alt.Scale(domain=[1, max(most, 2)], range=chart.SCALE),
                legend=alt.Legend(
                    orient="bottom",
                    direction="horizontal",
                    gradientLength=160,
                    gradientThickness=10,
                    titleOrient="left",
                    tickMinStep=1,
                    format="d",
                    values=sorted({1, most}),
                )
                if most > 1
                else None,
            ),
            tooltip=[
                "path:N",
                *(alt.Tooltip(f"{n}:Q", format=",") for n in ("commits", "churn", "authors")),
                alt.Tooltip("last_changed:N", title="last changed"),
            ],
            description="tip:N",
        ),
        name.encode(**at("tx", "ty"), text="name:N", color=color),
        count.encode(**at("tx", "ny"), text="number:N", color=color),
        alt.Chart(chart.data(strips))
        .mark_text(
            align="left", baseline="top", fontSize=11, fontWeight="bold", color=MUTED, aria=False
        )
        .encode(**at("tx", "ty"), text="name:N"),
    ]
    share = shown[size].sum() / ranked[size].sum()
    what = "all changes to files" if size == "commits" else "all changed lines"
    summary = (
        f"the {many(len(shown), 'file')} changed most, of {len(rows):,}, "
        f"with {share:.0%} of {what}; area is {size}, darker is more authors"
    )
    return chart.finish(
        alt.layer(*layers),
        _TITLE,
        summary,
        description=f"Treemap of {summary}. First: {'; '.join(f['tip'] for f in files[:5])}.",
        width=width,
        height=height,
    )


def hotspots_bars(df: Any, *, top: int = 20) -> Chart:
    """Draw the files that change most as bars, with commits and authors in numbers.

    Parameters
    ----------
    df : DataFrame
        Columns as in the head of this module.
    top : int
        How many files.

    Returns
    -------
    altair.LayerChart
    """
    rows = _read(df, "hotspots_bars", top)
    ranked = rows[rows["commits"] > 0].sort_values(["commits", "path"], ascending=[False, True])
    if ranked.empty:
        return chart.nothing(_TITLE, COLUMNS)
    alt = chart.altair()
    shown = ranked.head(top).reset_index(drop=True)
    files = [
        {**_facts(row), "label": label, "number": _people(row)}
        for row, label in zip(
            shown.itertuples(index=False),
            labels.distinct(shown["path"].tolist(), 270, 12),
            strict=True,
        )
    ]
    base = alt.Chart(chart.data(files).astype({"churn": "Int64"})).encode(
        x=alt.X("commits:Q", axis=None, scale=alt.Scale(nice=False)),
        y=alt.Y(
            "label:N",
            title=None,
            sort=[file["label"] for file in files],
            axis=chart.names_axis([file["label"] for file in files]),
        ),
    )
    bars = base.mark_bar(height={"band": 0.72}, cornerRadiusEnd=2).encode(
        tooltip=[
            "path:N",
            *(alt.Tooltip(f"{n}:Q", format=",") for n in ("commits", "churn", "authors")),
        ],
        description="tip:N",
    )
    numbers = base.mark_text(align="left", dx=6, fontSize=11, color=MUTED, aria=False)
    summary = f"{chart.part(len(shown), len(rows), 'file')}, by commits"
    return chart.finish(
        alt.layer(bars, numbers.encode(text="number:N")),
        "Files changed most",
        summary,
        description=f"Bars of {summary}: {'; '.join(file['tip'] for file in files[:5])}.",
        width=chart.WIDTH - 280,
        height=alt.Step(22),
    )


def _read(df: Any, name: str, top: int) -> Any:
    if top < 1:
        raise InvalidOption(f"plot.{name} was asked for {top} files.", "Give top=1 or more.")
    return chart.table(df, name, COLUMNS, SOURCE)


def _layout(shown: Any, size: str, whole: Box) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Place each file in its folder: folders first, the largest at the upper left."""
    shown = shown.assign(folder=folders(shown["path"].tolist()))
    sums = shown.groupby("folder")[size].sum().reset_index()
    sums = sums.sort_values([size, "folder"], ascending=[False, True])
    files: dict[int, dict[str, Any]] = {}
    strips: list[dict[str, Any]] = []
    for folder, box in zip(sums["folder"], squarify(sums[size].tolist(), whole), strict=True):
        title = labels.fit(_ROOT if folder == "." else folder, box.width - 8, _BOLD)
        has_strip = len(sums) > 1 and box.height > 3 * _STRIP and title
        if has_strip:
            strips.append({"name": title, "tx": box.x + 3, "ty": box.y + 3})
        members = shown[shown["folder"] == folder]
        inner = box.inside(top=_STRIP if has_strip else 0, margin=1)
        boxes = squarify(members[size].tolist(), inner)
        for index, row, place in zip(
            members.index, members.itertuples(index=False), boxes, strict=True
        ):
            shown_path = row.path.removeprefix(f"{folder}/") if has_strip else row.path
            files[index] = {**_facts(row), **_drawn(place, shown_path, _people(row, short=True))}
    return [files[index] for index in shown.index], strips


def _drawn(box: Box, path: str, number: str) -> dict[str, Any]:
    """Return the rectangle and those words of a file that fit into it."""
    room = box.width - 9
    name = labels.fit(path, room, 11, least=5) if box.height >= 16 else ""
    roomy = name and box.height >= 32 and labels.width(number, 10) <= room
    return {
        "x": round(box.x, 2),
        "x2": round(box.x + box.width, 2),
        "y": round(box.y, 2),
        "y2": round(box.y + box.height, 2),
        "tx": round(box.x + 5, 2),
        "ty": round(box.y + 5, 2),
        "ny": round(box.y + 19, 2),
        "name": name,
        "number": number if roomy else "",
    }


def _facts(row: Any) -> dict[str, Any]:
    """Return what tooltip and screen reader say about a file."""
    known = row.churn == row.churn  # NaN: no line counts, as for a binary file
    day = f"{row.last_changed:%Y-%m-%d}" if row.last_changed == row.last_changed else "unknown"
    return {
        "path": row.path,
        "commits": int(row.commits),
        "churn": int(row.churn) if known else None,
        "authors": int(row.authors),
        "last_changed": day,
        "tip": f"{row.path}: {_people(row)}" + (f", {many(row.churn, 'line')}" if known else ""),
    }


def _people(row: Any, *, short: bool = False) -> str:
    commits = many(row.commits, "commit")
    return commits if short else f"{commits}, {many(row.authors, 'author')}"
