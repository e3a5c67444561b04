# SPDX-License-Identifier: MIT
"""Draws panels of lines on two logarithmic axes as SVG, with nothing but the standard library."""
import math
from xml.sax.saxutils import escape

COLOURS = ("#0072b2", "#009e73", "#d55e00", "#cc79a7", "#555555")  # told apart by the colour-blind too
MARKS = ("", "6 3", "2 2", "8 2 2 2", "1 3")
PANEL_W, PANEL_H = 290, 230
LEFT, RIGHT, TOP, BOTTOM = 54, 24, 26, 34
HEAD = 58


def decades(values):
    """The least and greatest power of ten around them."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def tick_text(power):
    return f"{10 ** power:,}" if power >= 0 else str(10 ** power)


class Panel:
    def __init__(self, x, y, title, key, lines):
        self.x, self.y, self.title, self.key, self.lines = x, y, title, key, lines
        points = [p for _, line in lines for p in line]
        self.across, self.up = decades([p[0] for p in points]), decades([p[1] for p in points])

    def at(self, point):
        across = (math.log10(point[0]) - self.across[0]) / (self.across[1] - self.across[0])
        up = (math.log10(point[1]) - self.up[0]) / (self.up[1] - self.up[0])
        return (self.x + LEFT + across * (PANEL_W - LEFT - RIGHT),
                self.y + PANEL_H - BOTTOM - up * (PANEL_H - TOP - BOTTOM))

    def grid(self):
        for power in range(self.across[0], self.across[1] + 1):
            x, bottom = self.at((10 ** power, 10 ** self.up[0]))
            yield f'<path class="g" d="M{x:.1f} {bottom:.1f}V{self.y + TOP}"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 13:.1f}" text-anchor="middle">{tick_text(power)}</text>'
        for power in range(self.up[0], self.up[1] + 1):
            left, y = self.at((10 ** self.across[0], 10 ** power))
            yield f'<path class="g" d="M{left:.1f} {y:.1f}H{self.x + PANEL_W - RIGHT}"/>'
            yield f'<text x="{left - 5:.1f}" y="{y + 3:.1f}" text-anchor="end">{tick_text(power)}</text>'

    def svg(self, names):
        yield f'<text class="t" x="{self.x + LEFT}" y="{self.y + 16}">{escape(self.title)}</text>'
        yield from self.grid()
        middle = self.x + (LEFT + PANEL_W - RIGHT) / 2
        yield f'<text x="{middle}" y="{self.y + PANEL_H - 6}" text-anchor="middle">{self.key}</text>'
        for name, line in self.lines:
            style = f'stroke="{COLOURS[names.index(name)]}" stroke-dasharray="{MARKS[names.index(name)]}"'
            places = " ".join("{:.1f},{:.1f}".format(*self.at(p)) for p in line)
            yield f'<polyline class="l" points="{places}" {style}/>'
            for point in line:
                x, y = self.at(point)
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{COLOURS[names.index(name)]}"/>'


def legend(names):
    x = 12
    for i, name in enumerate(names):
        yield f'<path class="l" d="M{x} 40h26" stroke="{COLOURS[i]}" stroke-dasharray="{MARKS[i]}"/>'
        yield f'<text x="{x + 32}" y="44">{escape(name)}</text>'
        x += 50 + 7 * len(name)


def draw(path, title, panels, columns):
    """`panels`: of title, name of the axis, and lines, each a name and its points. An empty one is left out."""
    panels = [p for p in panels if p[2]]
    names = list(dict.fromkeys(name for _, _, lines in panels for name, _ in lines))
    width = columns * PANEL_W
    height = HEAD + -(-len(panels) // columns) * PANEL_H
    out = ["<!-- SPDX-License-Identifier: MIT -->",
           f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
           'font-size="10">', "<style>.g{stroke:#ddd}.l{fill:none;stroke-width:1.6}.t{font-weight:bold}</style>",
           f'<rect width="{width}" height="{height}" fill="#fff"/>',
           f'<text x="12" y="22" font-size="14">{escape(title)}</text>', *legend(names)]
    for i, (words, key, lines) in enumerate(panels):
        out += Panel(i % columns * PANEL_W, HEAD + i // columns * PANEL_H, words, key, lines).svg(names)
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join([*out, "</svg>\n"]))
