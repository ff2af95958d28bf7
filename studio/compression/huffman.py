"""Huffman's code for small whole numbers, in its canonical form."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Coded:
    """Numbers as a string of bits.

    Attributes:
        lengths: bits of each symbol's code, 0 for one that does not occur.
        data: the codes one after the other, the first in the highest bit.
        count: how many numbers.
    """

    lengths: tuple[int, ...]
    data: bytes
    count: int

    @property
    def size_bytes(self) -> int:
        """Codes, and a byte for the length of each symbol's."""
        return len(self.data) + len(self.lengths)


def encode(numbers: npt.NDArray[np.integer]) -> Coded:
    """Code whole numbers from 0 up, any shape."""
    flat = numbers.ravel()
    counts = np.bincount(flat) if flat.size else np.zeros(0, np.int64)
    lengths = _lengths(counts.tolist())
    codes = _codes(lengths)
    patterns = {symbol: format(code, f"0{lengths[symbol]}b") for symbol, code in codes.items()}
    bits = "".join(patterns[symbol] for symbol in flat.tolist())
    packed = np.packbits(np.frombuffer(bits.encode(), np.uint8) - ord("0"))
    return Coded(lengths, packed.tobytes(), flat.size)


def decode(coded: Coded) -> npt.NDArray[np.int64]:
    """The numbers that were coded, in one row."""
    symbols = {(coded.lengths[s], code): s for s, code in _codes(coded.lengths).items()}
    found: list[int] = []
    code, length = 0, 0
    for bit in np.unpackbits(np.frombuffer(coded.data, np.uint8)).tolist():
        if len(found) == coded.count:
            break
        code, length = code << 1 | bit, length + 1
        if (length, code) in symbols:
            found.append(symbols[length, code])
            code, length = 0, 0
    return np.array(found, np.int64)


def _lengths(counts: list[int]) -> tuple[int, ...]:
    """Join the two rarest until one is left; each joining makes its members' codes longer."""
    heap = [(count, symbol, [symbol]) for symbol, count in enumerate(counts) if count]
    heapq.heapify(heap)
    lengths = [0] * len(counts)
    if len(heap) == 1:
        lengths[heap[0][1]] = 1
    while len(heap) > 1:
        one, other = heapq.heappop(heap), heapq.heappop(heap)
        members = one[2] + other[2]
        for symbol in members:
            lengths[symbol] += 1
        heapq.heappush(heap, (one[0] + other[0], min(one[1], other[1]), members))
    return tuple(lengths)


def _codes(lengths: tuple[int, ...]) -> dict[int, int]:
    """Codes in the order of length, then symbol: the lengths alone tell them."""
    order = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
    codes: dict[int, int] = {}
    code, before = 0, 0
    for length, symbol in order:
        code <<= length - before
        codes[symbol] = code
        code, before = code + 1, length
    return codes
