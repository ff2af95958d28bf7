"""A drawing of rectangles, lines and words that becomes SVG or PNG, without a window.

Lengths are in pixels of the drawing; PNG has several of its own for each, so that it stays sharp.
"""

from __future__ import annotations

import io
import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

FAMILY = "Inter, Helvetica, Arial, sans-serif"
DASH_PX = 4.0
HATCH_PX = 7.0
_SCALE, _FINER = 2, 2  # pixels of a PNG for each of the drawing; drawn so much finer still
_MOST_LETTERS = 400  # of a line: measuring takes its time, and a name may have any length
_BASELINE = 0.35  # of the size of letters: from their middle down to the line they stand on

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A box; `opacity` is that of its fill. Without a stroke it has no border."""

    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    opacity: float = 1.0
    stroke: str = ""
    dashed: bool = False
    radius: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A stroke from one point to another."""

    x: float
    y: float
    to_x: float
    to_y: float
    stroke: str
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text about the height y; upright text reads upwards and begins at y."""

    x: float
    y: float
    text: str
    size: float
    fill: str
    anchor: Anchor = "start"
    upright: bool = False


@dataclass(slots=True)
class Picture:
    """Shapes on a ground, the later ones above the earlier ones."""

    title: str
    width: int
    height: int
    ground: str
    shapes: list[Rectangle | Line | Words] = field(default_factory=list)

    def add(self, *shapes: Rectangle | Line | Words) -> None:
        """Draw above what is there."""
        self.shapes += shapes

    def svg(self) -> str:
        """The drawing as an SVG file."""
        body = "".join(f"  {_svg(shape)}\n" for shape in self.shapes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}"'
            f' viewBox="0 0 {self.width} {self.height}" font-family="{FAMILY}" role="img">\n'
            f"  <title>{_xml(self.title)}</title>\n"
            f'  <rect width="{self.width}" height="{self.height}" fill="{self.ground}"/>\n'
            f"{body}</svg>\n"
        )

    def png(self) -> bytes:
        """The drawing as a PNG file."""
        from PIL import Image, ImageDraw
        from PIL.PngImagePlugin import PngInfo

        scale = _SCALE * _FINER
        image = Image.new("RGB", (self.width * scale, self.height * scale), self.ground)
        brush = ImageDraw.Draw(image, "RGBA")
        for shape in self.shapes:
            if isinstance(shape, Words):
                _write(image, brush, shape, scale)
            elif isinstance(shape, Line):
                _stroke(brush, shape, scale)
            else:
                _box(brush, shape, scale)
        title, stream = PngInfo(), io.BytesIO()
        title.add_text("Title", self.title)
        image.reduce(_FINER).save(stream, "PNG", pnginfo=title)
        return stream.getvalue()


def text_width(text: str, size: float) -> float:
    """How long a line of text gets, about: other computers have other fonts."""
    return float(_font(size).getlength(text))


def elided(text: str, size: float, width: float) -> str:
    """The text, its end replaced by dots where it is longer than that; empty where nothing fits."""
    if len(text) <= _MOST_LETTERS and text_width(text, size) <= width:
        return text
    lengths = range(1, min(len(text), _MOST_LETTERS) + 1)
    keep = bisect_left(
        lengths, True, key=lambda length: text_width(text[:length] + "\u2026", size) > width
    )
    return f"{text[:keep].rstrip()}\u2026" if keep > 1 else ""


def hatching(x: float, y: float, width: float, height: float, stroke: str) -> Iterator[Line]:
    """Slanted lines across a box."""
    along = HATCH_PX
    while along < width + height:
        left, right = max(0.0, along - height), min(along, width)
        yield Line(x + left, y + along - left, x + right, y + along - right, stroke, 0.7)
        along += HATCH_PX


@cache
def _font(size: float) -> FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


# ---- SVG ------------------------------------------------------------------------------------


def _xml(text: str) -> str:
    """Text for XML: what it forbids is left out."""
    return escape(re.sub("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text))


def _svg(shape: Rectangle | Line | Words) -> str:
    if isinstance(shape, Words):
        place = f'x="{shape.x:.1f}" y="{shape.y + _BASELINE * shape.size:.1f}"'
        if shape.upright:
            place = (
                f'transform="translate({shape.x + _BASELINE * shape.size:.1f} {shape.y:.1f})'
                ' rotate(-90)"'
            )
        anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
        return (
            f'<text {place} font-size="{shape.size:g}" fill="{shape.fill}"{anchor}>'
            f"{_xml(shape.text)}</text>"
        )
    dash = f' stroke-dasharray="{DASH_PX:g}"' if shape.dashed else ""
    if isinstance(shape, Line):
        return (
            f'<line x1="{shape.x:.1f}" y1="{shape.y:.1f}" x2="{shape.to_x:.1f}"'
            f' y2="{shape.to_y:.1f}" stroke="{shape.stroke}" stroke-width="{shape.width:g}"{dash}/>'
        )
    opacity = f' fill-opacity="{shape.opacity:g}"' if shape.opacity < 1 else ""
    stroke = f' stroke="{shape.stroke}"{dash}' if shape.stroke else ""
    return (
        f'<rect x="{shape.x:.1f}" y="{shape.y:.1f}" width="{shape.width:.1f}"'
        f' height="{shape.height:.1f}" rx="{shape.radius:g}" fill="{shape.fill or "none"}"'
        f"{opacity}{stroke}/>"
    )


# ---- PNG ------------------------------------------------------------------------------------


def _colour(text: str, opacity: float = 1.0) -> tuple[int, int, int, int]:
    red, green, blue = (int(text[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue, round(255 * opacity)


def _stroke(brush: ImageDraw, line: Line, scale: int) -> None:
    length = math.hypot(line.to_x - line.x, line.to_y - line.y)
    step = DASH_PX if line.dashed else max(length, 1.0)
    at = 0.0
    while at < length:
        ends = (at / length, min(at + step, length) / length)
        points = [
            (scale * (a + (b - a) * share))
            for share in ends
            for a, b in ((line.x, line.to_x), (line.y, line.to_y))
        ]
        brush.line(points, _colour(line.stroke), max(round(line.width * scale), 1))
        at += 2 * step


def _box(brush: ImageDraw, box: Rectangle, scale: int) -> None:
    x, y, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    corners = [scale * x, scale * y, max(scale * right, scale * x), max(scale * bottom, scale * y)]
    fill = _colour(box.fill, box.opacity) if box.fill else None
    border = _colour(box.stroke) if box.stroke and not box.dashed else None
    brush.rounded_rectangle(corners, box.radius * scale, fill, border, scale)
    if box.dashed:
        for ends in ((x, y, right, y), (right, y, right, bottom), (x, bottom, right, bottom),
                     (x, y, x, bottom)):  # fmt: skip
            _stroke(brush, Line(*ends, box.stroke, dashed=True), scale)


def _write(image: Image, brush: ImageDraw, words: Words, scale: int) -> None:
    from PIL import Image as Images
    from PIL import ImageDraw

    font = _font(words.size * scale)
    anchors = {"start": "lm", "middle": "mm", "end": "rm"}
    x, y = words.x * scale, words.y * scale
    if not words.upright:
        brush.text((x, y), words.text, _colour(words.fill), font, anchors[words.anchor])
        return
    size = math.ceil(font.getlength(words.text)) + scale, math.ceil(words.size * scale * 1.6)
    stencil = Images.new("L", size, 0)
    ImageDraw.Draw(stencil).text((0, size[1] / 2), words.text, 255, font, "lm")
    turned = stencil.rotate(90, expand=True)
    back = {"start": 1.0, "middle": 0.5, "end": 0.0}[words.anchor]
    left, top = round(x - turned.width / 2), round(y - back * turned.height)
    image.paste(_colour(words.fill)[:3], (left, top), turned)
