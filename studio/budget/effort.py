"""Time and energy of an inference on a board, from its instructions.

cycles = instructions x CPI (cycles an instruction) of the kernel's class on the core,
time = cycles / clock, charge = active current x time, energy = charge x voltage. What is not
known of a board stays None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studio.errors import ProfileError
from studio.targets.figure import Figure
from studio.targets.profile import Profile

# Cycles an instruction, by core and class of kernel: int8 arithmetic, float32, movement. Reasoned
# from the timing chapters of Arm's Technical Reference Manuals for loops of one load to one
# multiply-add (M0+: load 2, taken branch 2; M3: load 2 alone and 1 in a row, MLA 2, taken branch
# 2 to 4; M4, M33: MLA and SMLAD 1; M7: two instructions issue together; M55: a 128-bit vector
# instruction takes 2 cycles). No board was at hand: CPI_ERROR is what they may be off by. Wait
# states of flash and cache misses come on top.
CPI: dict[str, dict[str, float]] = {
    "cortex-m0plus": {"int8": 1.45, "float32": 1.45, "move": 1.6},
    "cortex-m3": {"int8": 1.45, "float32": 1.45, "move": 1.55},
    "cortex-m4f": {"int8": 1.3, "float32": 1.4, "move": 1.5},
    "cortex-m7": {"int8": 0.75, "float32": 0.95, "move": 0.85},
    "cortex-m33": {"int8": 1.2, "float32": 1.3, "move": 1.35},
    "cortex-m55": {"int8": 1.4, "float32": 1.3, "move": 1.4},
    "riscv32": {"int8": 1.3, "float32": 1.3, "move": 1.4},
}
CPI_ERROR = 0.3
HOURS_A_DAY, SECONDS_AN_HOUR = 24, 3600


def kernel_class(kernel: str) -> str:
    """The class whose CPI a kernel has."""
    if "_lut_" in kernel or kernel.endswith(("_b8", "_b16", "_b32")):
        return "move"
    return "float32" if "f32" in kernel else "int8"


def by_class(effort: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Instructions of each class, from (kernel, instructions) pairs."""
    found: dict[str, float] = {}
    for kernel, count in effort:
        known = kernel_class(kernel)
        found[known] = found.get(known, 0.0) + count
    return found


def cycles(core: str, instructions: Mapping[str, float]) -> float | None:
    """Cycles of instructions by class; None for a core of which no CPI is known."""
    known = CPI.get(core)
    if known is None:
        return None
    return sum(known[name] * count for name, count in instructions.items())


def charge_uc(profile: Profile, latency_us: float) -> float | None:
    """Microcoulombs of an inference; None where the board's active current is not known."""
    if profile.active_ma is None:
        return None
    return profile.active_ma.value * latency_us / 1000


def energy_uj(profile: Profile, latency_us: float) -> float | None:
    """Microjoules of an inference; None where the board's current or voltage is not known."""
    charge = charge_uc(profile, latency_us)
    if charge is None or profile.active_v is None:
        return None
    return charge * profile.active_v.value


@dataclass(frozen=True, slots=True)
class Duty:
    """How a battery-powered board is used.

    Attributes:
        capacity_mah: of the battery.
        period_s: from one inference to the next.
        sleep_ma: current between them, of the whole board: the user's own measurement.
    """

    capacity_mah: float
    period_s: float
    sleep_ma: float

    def __post_init__(self) -> None:
        if not (self.capacity_mah > 0 and self.period_s > 0 and self.sleep_ma >= 0):
            raise ProfileError(
                "a battery has a positive capacity, a period is positive, a current not negative",
                "duty cycle",
                "such as 1000 mAh, one inference in 10 s, 0.01 mA in between",
            )


def battery_days(profile: Profile, latency_us: Figure | None, duty: Duty) -> Figure | None:
    """Days that a battery lasts; None where the active current or the time is not known."""
    if latency_us is None or profile.active_ma is None:
        return None
    busy = min(latency_us.value / 1e6 / duty.period_s, 1.0)
    mean_ma = busy * profile.active_ma.value + (1 - busy) * duty.sleep_ma
    if mean_ma <= 0:
        return None
    days = duty.capacity_mah / mean_ma / HOURS_A_DAY
    return Figure(days, "estimated", "active current x estimated time, sleep current as given")
