"""Which bank of a board's memory the arena goes into, and what else has to go where.

The arena goes whole into the fastest bank that holds it. Where none does, neighbouring banks serve
as one; where that is not enough, two banks take it in two pieces (`compiler.split`). Variables,
weights that are copied to RAM among them, and stack go beside it if there is room, else where most
is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from studio.compiler.program import Piece, Program
from studio.compiler.split import split
from studio.errors import BuildError
from studio.targets.banks import Bank, joined_banks, ram_banks
from studio.targets.figure import spaced
from studio.targets.profile import Profile

# What variables and stack are given where there is a choice of banks, beside copied weights:
# firmware and budget then choose alike, whatever the compiler. The linker checks it.
REST_BYTES = 4608


@dataclass(frozen=True, slots=True)
class Banks:
    """Where the memory of a model goes.

    Attributes:
        arenas: the bank of the arena, or those of its two pieces; the first has inputs and outputs.
        arena_bytes: what of the arena lies in each.
        rest: the bank of variables, copied weights and stack.
        over_bytes: what is missing.
    """

    arenas: tuple[Bank, ...]
    arena_bytes: tuple[int, ...]
    rest: Bank
    over_bytes: int = 0

    @property
    def several(self) -> bool:
        """True where the plan needs two banks."""
        return len(self.arenas) > 1

    @property
    def bytes_by_name(self) -> dict[str, int]:
        """What of the arena lies in which bank."""
        names = [bank.name for bank in self.arenas]
        return dict(zip(names, self.arena_bytes, strict=True))

    @property
    def text(self) -> str:
        """The same for people."""
        sizes = self.bytes_by_name.items()
        return " + ".join(f"{name} {spaced(size)} bytes" for name, size in sizes)


def placed(
    program: Program,
    profile: Profile,
    rest_bytes: int | None = None,
    reserved_bytes: int = 0,
) -> tuple[Program, Banks]:
    """The program as a board's banks take it, and where its memory goes.

    It is the same program wherever one bank holds the arena, or nothing does.

    Args:
        program: with its arena in one piece, or split for this board.
        profile: the board.
        rest_bytes: what variables, copied weights and stack take, where that is known.
        reserved_bytes: RAM of the user's own application, which lies beside them.

    Raises:
        BuildError: its arena is in two pieces, for the banks of another board.
    """
    least, apart = REST_BYTES + program.copied_bytes + reserved_bytes, ram_banks(profile)
    rest_bytes = least if rest_bytes is None else rest_bytes + reserved_bytes
    room = max(rest_bytes, least)
    if program.pieces:
        return program, _of_pieces(program, profile, room)
    crowded = whole(program.arena_bytes, profile, room).over_bytes > 0
    for fast, slow, rest in _pairs(apart, program.arena_bytes, room) if crowded else ():
        free = [Piece(b.name, b.size_bytes - (room if b == rest else 0)) for b in (fast, slow)]
        found = split(program, free[0], free[1])
        if found is not None:
            return found, _of_pieces(found, profile, room)
    return program, whole(program.arena_bytes, profile, rest_bytes, least)


def whole(
    arena_bytes: int, profile: Profile, rest_bytes: int = REST_BYTES, least: int = REST_BYTES
) -> Banks:
    """Where an arena in one piece goes; where the least is missing if it fits nowhere.

    Args:
        arena_bytes: of the arena.
        profile: the board.
        rest_bytes: what lies beside it: variables, copied weights, stack, the user's application.
        least: what banks are chosen for if that is less.
    """
    apart, joined = ram_banks(profile), joined_banks(profile)
    size, room = max(arena_bytes, 1), max(rest_bytes, least)
    for bank in (*apart, *joined) if len(apart) > 1 else ():
        rest = _rest(apart, {bank: size}, room)
        if rest is not None:
            return Banks((bank,), (size,), rest)
    largest = max((*apart, *joined), key=lambda bank: bank.size_bytes)
    pairs = [pair for pair in permutations(apart, 2) if pair[0].size_bytes >= size]
    bank, rest = min(
        [(largest, largest), *pairs],
        key=lambda pair: size * (pair[0] == pair[1]) + room - pair[1].size_bytes,
    )
    over = size * (bank == rest) + rest_bytes - rest.size_bytes
    return Banks((bank,), (size,), rest, max(over, 0))


def _rest(apart: Sequence[Bank], arenas: dict[Bank, int], rest_bytes: int) -> Bank | None:
    """Where variables and stack find room: beside an arena, else where most is left."""
    if any(bank.size_bytes < taken for bank, taken in arenas.items()):
        return None
    beside = [bank for bank, taken in arenas.items() if bank.size_bytes - taken >= rest_bytes]
    if beside:
        return beside[0]
    others = [bank for bank in apart if all(bank.apart(arena) for arena in arenas)]
    best = max(others, key=lambda bank: bank.size_bytes, default=None)
    return best if best is not None and best.size_bytes >= rest_bytes else None


def _pairs(
    apart: Sequence[Bank], arena_bytes: int, rest_bytes: int
) -> Iterator[tuple[Bank, Bank, Bank]]:
    """Two banks that may take the arena, the faster one first, and one for the rest."""
    for fast, slow in combinations(apart, 2):
        for rest in sorted(apart, key=lambda bank: (bank in (fast, slow), bank == fast)):
            room = {bank: bank.size_bytes - rest_bytes * (bank == rest) for bank in apart}
            if min(room.values()) >= 0 and room[fast] + room[slow] >= arena_bytes:
                yield fast, slow, rest


def _of_pieces(program: Program, profile: Profile, rest_bytes: int) -> Banks:
    """The banks of a program whose arena is in two pieces."""
    apart = {bank.name: bank for bank in ram_banks(profile)}
    try:
        arenas = {apart[piece.bank]: piece.size_bytes for piece in program.pieces}
    except KeyError as error:
        raise BuildError(
            f"the arena was split for a bank {error} that it lacks", profile.id, "lower it again"
        ) from None
    rest = _rest(list(apart.values()), arenas, rest_bytes)
    over = 0
    if rest is None:
        left = {bank: bank.size_bytes - arenas.get(bank, 0) for bank in apart.values()}
        rest = max(left, key=left.__getitem__)
        missing = sum(max(-size, 0) for size in left.values())
        over = missing + max(rest_bytes - max(left[rest], 0), 0)
    return Banks(tuple(arenas), tuple(arenas.values()), rest, over)
