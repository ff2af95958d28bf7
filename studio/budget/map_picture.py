"""The lifetime map as a picture: buffers as boxes over calls and addresses, the peak marked."""

from __future__ import annotations

from dataclasses import replace

from studio.budget.arena_map import (
    Span,
    buffer_names,
    common,
    row_stages,
    shared,
    short_names,
    spans,
    without,
)
from studio.budget.picture import (
    Line,
    Picture,
    Rectangle,
    Words,
    elided,
    hatching,
    text_width,
)
from studio.compiler.program import Program
from studio.targets.figure import spaced

# On white, letters in INK and MUTED have a contrast of at least 4.5 : 1, as do those in WORST.
GROUND, INK, MUTED, GRID, BAND, WORST = (
    "#ffffff", "#1b1f24", "#59636e", "#e3e7ec", "#eef2f7", "#c4302b",
)  # fmt: skip
COLOURS = (
    "#1a66d6", "#1f8a5b", "#b07a12", "#7a5bd0", "#b84c90", "#1f8796", "#7d8a12", "#c2602f",
)  # fmt: skip
WIDTH, HEIGHT = 1280, 720
LEFT, RIGHT, TOP = 96.0, 28.0, 116.0
TINY, SMALL, PLAIN, LARGE = 11.0, 13.0, 14.0, 22.0  # letters
NARROW = 96.0  # columns of which the layers' names stand upright
LONGEST = 112.0  # of an upright name
READABLE = 72.0  # width of a name of some letters
GAP = 0.75
MOST_LINES = 5


def picture(program: Program, peak_layer: str) -> Picture:
    """Draw the arena of a program; `peak_layer` is where it is fullest."""
    return _Map(program, peak_layer).drawn()


def bytes_text(size: float) -> str:
    """Bytes for people: 16 000 B."""
    return f"{spaced(size)} B"


class _Map:
    """One map in the making."""

    def __init__(self, program: Program, peak_layer: str) -> None:
        self.program = program
        self.names = short_names(program)
        self.spans = spans(program)
        self.overlaps = shared(self.spans)
        layers = [call.layer for call in program.calls]
        self.peak = layers.index(peak_layer) if peak_layer in layers else 0
        self.column = (WIDTH - LEFT - RIGHT) / max(len(layers), 1)
        self.upright = self.column < NARROW
        shown = (elided(name, SMALL, LONGEST) for name in self.names)
        longest = max((text_width(name, SMALL) for name in shown), default=0.0)
        self.foot = longest + 14 if self.upright else 26.0
        self.bottom = HEIGHT - 44 - self.foot
        self.row = (self.bottom - TOP) / max(program.arena_bytes, 1)
        plan = program.options.plan
        self.picture = Picture(f"{program.name}: memory, plan {plan}", WIDTH, HEIGHT, GROUND)

    def drawn(self) -> Picture:
        """Everything, from the ground up."""
        self._heading()
        self._grid()
        self._rings()
        for span in self.spans:
            self._box(span)
        for one, other in self.overlaps:
            self._overlap(one, other)
        self._pieces()
        self._peak()
        for span in self.spans:
            self._name(span)
        self._layers()
        self._legend()
        return self.picture

    def _x(self, call: float) -> float:
        return LEFT + call * self.column

    def _y(self, address: float) -> float:
        return self.bottom - address * self.row

    def _heading(self) -> None:
        program = self.program
        plan = f"plan {program.options.plan}, {len(program.calls)} calls"
        least = bytes_text(program.bound_bytes)
        reached = program.arena_bytes == program.bound_bytes
        peak = f"arena {bytes_text(program.arena_bytes)}"
        peak += " = lower bound" if reached else f", lower bound {least}"
        name = elided(program.name, LARGE, WIDTH / 2)
        self.picture.add(
            Words(LEFT, 30, name, LARGE, INK),
            Words(LEFT, 60, f"Arena over time: {plan}", PLAIN, MUTED),
            Words(WIDTH - RIGHT, 30, peak, LARGE, INK, "end"),
            Words(WIDTH - RIGHT, 60, self._shares(), PLAIN, MUTED, "end"),
        )

    def _shares(self) -> str:
        program = self.program
        parts = [("scratch", program.scratch_bytes), ("state", program.state_bytes)]
        return ", ".join(f"{what} {bytes_text(size)}" for what, size in parts if size)

    def _grid(self) -> None:
        for first, last in row_stages(self.program):
            left, width = self._x(first), (last + 1 - first) * self.column
            self.picture.add(Rectangle(left, TOP, width, self.bottom - TOP, BAND))
            if width > text_width("row by row", SMALL):
                self.picture.add(Words(left + 2, TOP - 11, "row by row", SMALL, MUTED))
        step = _round_step(self.program.arena_bytes)
        for address in range(0, self.program.arena_bytes + 1, step):
            y = self._y(address)
            self.picture.add(
                Line(LEFT, y, WIDTH - RIGHT, y, GRID),
                Words(LEFT - 8, y, bytes_text(address), SMALL, MUTED, "end"),
            )

    def _rings(self) -> None:
        """Colour where a ring keeps its bytes, or shares them by turns, while its stage runs."""
        for first, last in row_stages(self.program):
            for span in self.spans:
                if self.program.buffers[span.buffer].rows and first <= span.first <= last:
                    x, y, width, height = self._area(replace(span, first=first, last=last))
                    colour = COLOURS[span.buffer % len(COLOURS)]
                    self.picture.add(Rectangle(x, y, width, height, colour, 0.08))

    def _area(self, span: Span) -> tuple[float, float, float, float]:
        left, right = self._x(span.first) + GAP, self._x(span.last + 1) - GAP
        top, bottom = self._y(span.end) + GAP, self._y(span.start) - GAP
        return left, top, right - left, max(bottom - top, 1.0)

    def _box(self, span: Span) -> None:
        buffer = self.program.buffers[span.buffer]
        colour = COLOURS[span.buffer % len(COLOURS)]
        scratch = buffer.role == "scratch"
        x, y, width, height = self._area(span)
        opacity = 0.12 if scratch else 0.3
        self.picture.add(Rectangle(x, y, width, height, colour, opacity, colour, scratch, 2.0))
        if buffer.rows and height / buffer.rows >= 4:
            self.picture.add(
                *(
                    Line(x, y + row * height / buffer.rows, x + width,
                         y + row * height / buffer.rows, colour, 0.5, True)
                    for row in range(1, buffer.rows)
                )
            )  # fmt: skip

    def _overlap(self, one: Span, other: Span) -> None:
        both = common(one, other)
        x, y, width, height = self._area(both)
        self.picture.add(*hatching(x, y, width, height, MUTED))

    def _pieces(self) -> None:
        """Where the second piece of the arena begins, and the banks of both."""
        if not self.program.pieces:
            return
        y = self._y(self.program.first_bytes)
        self.picture.add(Line(LEFT, y, WIDTH - RIGHT, y, INK, 2.0))
        for piece, base in zip(self.program.pieces, (y + 13, y - 13), strict=True):
            text = f"{piece.bank} {bytes_text(piece.size_bytes)}"
            self.picture.add(Words(WIDTH - RIGHT - 6, base, text, PLAIN, INK, "end"))

    def _name(self, span: Span) -> None:
        buffer = self.program.buffers[span.buffer]
        clear = self._clear(span)
        x, y, width, height = self._area(clear or span)
        if height < SMALL + 3:
            return
        rows = f", {buffer.rows} of {buffer.shape[0]} rows" if buffer.rows else ""
        name = f"{buffer_names(self.program)[span.buffer]}{rows}"
        letters = SMALL if elided(name, SMALL, width - 7) == name else TINY
        lines, size = [(elided(name, letters, width - 7), INK)], bytes_text(buffer.size_bytes)
        if height >= 3 * SMALL and text_width(size, SMALL) <= width - 7:
            lines.append((size, MUTED))
        middle = y + height / 2 - 0.6 * SMALL * (len(lines) - 1)
        for number, (text, colour) in enumerate(lines):
            at, wide = middle + 1.2 * SMALL * number, text_width(text, SMALL)
            if clear is None and text:
                plate = Rectangle(x + 2, at - 0.6 * SMALL, wide + 4, 1.2 * SMALL, GROUND, 0.7)
                self.picture.add(plate)
            self.picture.add(Words(x + 4, at, text, letters if colour == INK else SMALL, colour))

    def _clear(self, span: Span) -> Span | None:
        """The part of a box where a name is read best, since nothing else lies there; or None."""
        parts = [span]
        for pair in self.overlaps:
            if span in pair:
                parts = [rest for part in parts for rest in without(part, common(*pair))]

        def fits(part: Span) -> tuple[float, float]:
            _, _, width, height = self._area(part)
            return min(width, READABLE) if height > 1.3 * SMALL else 0.0, height

        best = max(parts, key=fits, default=span)
        return best if fits(best)[0] >= READABLE / 2 else None

    def _peak(self) -> None:
        """A line at the height of the arena, and one up the column where it is fullest."""
        top, middle = self._y(self.program.arena_bytes), self._x(self.peak + 0.5)
        text = f"fullest at {self.names[self.peak]}" if self.names else ""
        text = elided(text, PLAIN, WIDTH - RIGHT - LEFT)
        wide = text_width(text, PLAIN)
        x = min(max(middle, LEFT + wide / 2), WIDTH - RIGHT - wide / 2)
        self.picture.add(
            Line(LEFT, top, WIDTH - RIGHT, top, WORST, 1.0, True),
            Line(middle, top - 18, middle, self.bottom, WORST, 1.5, True),
            Words(x, top - 27, text, PLAIN, WORST, "middle"),
        )

    def _layers(self) -> None:
        """The names of the layers below their columns, as many as can be read."""
        need = SMALL + 3 if self.upright else self.column
        every = max(1, -int(-need // self.column))
        for at in range(0, len(self.names), every):
            worst = WORST if at == self.peak else MUTED
            if self.upright:
                name = elided(self.names[at], SMALL, LONGEST)
                x = self._x(at + 0.5)
                self.picture.add(Words(x, self.bottom + 8, name, SMALL, worst, "end", True))
            else:
                name = elided(self.names[at], SMALL, self.column - 6)
                x = self._x(at) + 3
                self.picture.add(Words(x, self.bottom + 14, name, SMALL, worst))

    def _legend(self) -> None:
        """What the marks mean, those that are there."""
        buffers, y, x = self.program.buffers, HEIGHT - 20.0, LEFT
        marks = (
            ("scratch of a call", any(b.role == "scratch" for b in buffers)),
            ("ring of rows", any(b.rows for b in buffers)),
            ("written over what is done with", bool(self.overlaps)),
        )
        for text, there in marks:
            if not there:
                continue
            colour = COLOURS[0]
            dashed = text.startswith("scratch")
            opacity = 0.12 if dashed else 0.3
            self.picture.add(Rectangle(x, y - 7, 22, 14, colour, opacity, colour, dashed, 2.0))
            if text.startswith("ring"):
                self.picture.add(Line(x, y, x + 22, y, colour, 0.5, True))
            if text.startswith("written"):
                self.picture.add(*hatching(x, y - 7, 22, 14, MUTED))
            self.picture.add(Words(x + 30, y, text, SMALL, MUTED))
            x += 30 + text_width(text, SMALL) + 28


def _round_step(size_bytes: int) -> int:
    """A step of 1, 2 or 5 times a power of ten that divides a size into a few parts."""
    unit = 1
    while True:
        for step in (unit, 2 * unit, 5 * unit):
            if size_bytes / step <= MOST_LINES:
                return step
        unit *= 10
