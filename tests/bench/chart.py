"""`make chart`: the chart of the cost of a rank and a page on boards of any size, from new figures."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from tests.bench import ranks
from tests.bench.figures import Figure

FILE = Path(__file__).with_name("board-cost.svg")
WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 210, 56, 50
MOST = 100_000  # units at the top of the chart; 1 is at the bottom
# (figure, its name in the chart, its class), and how far its label is moved off its line.
SERIES = (
    ("peer.count_query.read_units", "rank, by COUNT", "count", 0),
    ("board.page_mid.read_units", "page of 50, any offset", "page", -2),
    ("board.rank.read_units", "rank", "rank", 2),
)
STYLE = """
text { font: 13px system-ui, sans-serif; fill: currentColor }
svg { color: #24292f } .title { font-size: 15px; font-weight: 600 } .quiet { color: #57606a }
.count { color: #bc4c00 } .page { color: #0969da } .rank { color: #1a7f37 }
polyline { fill: none; stroke: currentColor; stroke-width: 2.5 } circle { fill: currentColor }
.grid { stroke: currentColor; stroke-opacity: 0.2 }
@media (prefers-color-scheme: dark) {
  svg { color: #e6edf3 } .quiet { color: #9198a1 }
  .count { color: #f0883e } .page { color: #58a6ff } .rank { color: #3fb950 }
}
"""

Point = tuple[int, float]  # players, read units


def draw(figures: Iterable[Figure]) -> str:
    """Return an SVG with logarithmic axes, without the boards where half of the players share a score."""
    points: dict[str, list[Point]] = {name: [] for name, *_ in SERIES}
    for figure in figures:
        if figure.name in points and not figure.params["ties"]:
            points[figure.name].append((figure.params["players"], figure.value))
    sizes = sorted({players for series in points.values() for players, _ in series})
    scale = Scale(sizes[0], sizes[-1])
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>Read units of a rank and of a page, by the number of players</title>",
        f"<style>{STYLE}</style>",
        _text(LEFT, 24, "Read units of one request, by players on the board", "title"),
        *_axes(scale, sizes),
        *(line for name, label, kind, off in SERIES for line in _series(scale, sorted(points[name]), label, kind, off)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


class Scale:
    """Scale from players and units to places on the picture."""

    def __init__(self, fewest: int, most: int) -> None:
        self.low, self.span = math.log10(fewest), math.log10(most / fewest)

    def x(self, players: int) -> float:
        return round(LEFT + (math.log10(players) - self.low) / self.span * (WIDTH - LEFT - RIGHT), 1)

    def y(self, units: float) -> float:
        return round(HEIGHT - BOTTOM - math.log10(units) / math.log10(MOST) * (HEIGHT - TOP - BOTTOM), 1)


def _axes(scale: Scale, sizes: list[int]) -> Iterator[str]:
    units = 1
    while units <= MOST:
        y = scale.y(units)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        yield _text(LEFT - 8, y + 4, f"{units:,}", "quiet", "end")
        units *= 10
    for players in sizes:
        yield _text(scale.x(players), HEIGHT - BOTTOM + 20, f"{players:,}", "quiet", "middle")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "players", "quiet", "middle")


def _series(scale: Scale, points: list[Point], label: str, kind: str, off: int) -> Iterator[str]:
    places = [(scale.x(players), scale.y(units)) for players, units in points]
    yield f'<polyline class="{kind}" points="{" ".join(f"{x},{y}" for x, y in places)}"/>'
    for x, y in places:
        yield f'<circle class="{kind}" cx="{x}" cy="{y}" r="3.5"/>'
    x, y = places[-1]
    units = points[-1][1]
    yield _text(x + 12, y + 4 + off, f"{label}: {units:,.{0 if units >= 100 else 1}f}", kind)


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


if __name__ == "__main__":
    taken = []
    for figure in ranks.boards():
        print(figure.line(), file=sys.stderr, flush=True)
        taken.append(figure)
    FILE.write_text(draw(taken))
    print(FILE)
