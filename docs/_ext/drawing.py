"""Drawings as SVG that is part of the page: its text can be selected, and its colours are those of the theme."""

from __future__ import annotations

from html import escape

LINE = 18
"""The height of a line of text, in units of the drawing; it is 480 of them wide, so that a phone can show it."""

ACCENT = "var(--color-brand-primary, currentColor)"
SHADE = "var(--color-background-secondary, none)"


class Drawing:
    """Boxes, text and arrows, with the origin at the top left."""

    def __init__(self, width: int = 480) -> None:
        self.width = width
        self.height = 0
        self.parts: list[str] = []

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        anchor: str = "start",
        code: bool = False,
        bold: bool = False,
        faint: bool = False,
        accent: bool = False,
    ) -> None:
        """Write a line of text whose middle is at *y*."""
        family = "var(--font-stack--monospace, monospace)" if code else "inherit"
        self._add(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}" dominant-baseline="central" '
            f'font-family="{family}" font-size="{11.5 if code else 13}" '
            f'font-weight="{"bold" if bold else "normal"}" opacity="{0.65 if faint else 1}" '
            f'fill="{ACCENT if accent else "currentColor"}">{escape(words)}</text>',
            y + LINE / 2,
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *lines: str,
        code: bool = False,
        accent: bool = False,
        dashed: bool = False,
        faint: bool = False,
        plain: bool = False,
    ) -> None:
        """Draw a box with centred lines of text, the first of which is bold unless it is *plain* or code."""
        self._add(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="{SHADE}" '
            f'stroke="{ACCENT if accent else "currentColor"}" stroke-width="{2 if accent else 1}" '
            f'stroke-dasharray="{"4 3" if dashed else "none"}" opacity="{0.45 if faint else 1}"/>',
            y + height,
        )
        top = y + height / 2 - LINE * (len(lines) - 1) / 2
        for place, line in enumerate(lines):
            bold = place == 0 and not plain and not code and len(lines) > 1
            middle = x + width / 2
            self.text(
                middle, top + place * LINE, line, anchor="middle", code=code, bold=bold, faint=faint
            )

    def line(self, *points: tuple[float, float], dashed: bool = False, arrow: bool = True) -> None:
        """Draw a line through points, with the head of an arrow at its end."""
        path = " ".join(f"{x},{y}" for x, y in points)
        head = 'marker-end="url(#arrow)"' if arrow else ""
        self._add(
            f'<polyline points="{path}" fill="none" stroke="currentColor" '
            f'stroke-dasharray="{"4 3" if dashed else "none"}" {head}/>',
            max(y for _, y in points),
        )

    def grid(
        self,
        x: float,
        y: float,
        widths: list[int],
        rows: list[list[str]],
        *,
        marked: frozenset[int] = frozenset(),
        faint: frozenset[int] = frozenset(),
        plain: int = 0,
    ) -> None:
        """Draw a table: the first row is its head, *marked* rows are framed, *plain* columns are no code."""
        height = LINE + 6
        for number, row in enumerate(rows):
            top = y + number * height
            left = x
            for column, (width, words) in enumerate(zip(widths, row, strict=True)):
                self._add(
                    f'<rect x="{left}" y="{top}" width="{width}" height="{height}" '
                    f'fill="{SHADE if number == 0 else "none"}" stroke="currentColor" '
                    f'stroke-opacity="0.4"/>',
                    top + height,
                )
                middle = top + height / 2
                self.text(
                    *(left + 6, middle, words),
                    code=number > 0 and column >= plain,
                    bold=number == 0,
                    faint=number in faint,
                )
                left += width
        for number in sorted(marked):
            self._add(
                f'<rect x="{x}" y="{y + number * height}" width="{sum(widths)}" height="{height}" '
                f'fill="none" stroke="{ACCENT}" stroke-width="2"/>'
            )

    def _add(self, part: str, bottom: float = 0) -> None:
        self.parts.append(part)
        self.height = max(self.height, round(bottom))

    def svg(self, description: str) -> str:
        """Return the drawing as an element of HTML, with *description* for those who cannot see it."""
        return (
            f'<svg class="picture" role="img" viewBox="0 0 {self.width} {self.height + 4}" '
            f'xmlns="http://www.w3.org/2000/svg" '
            'style="display: block; width: 100%; max-width: 33em; height: auto; margin: 1.5em auto">'
            f"<title>{escape(description)}</title>"
            '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
            'markerHeight="7" orient="auto-start-reverse">'
            '<path d="M 0 0 L 10 5 L 0 10 z" fill="currentColor"/></marker></defs>'
            f"{''.join(self.parts)}</svg>"
        )
