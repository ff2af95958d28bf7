"""Input rows that the caller brings as the run goes, so that the input is never held whole.

The caller's function stands in the Program as a call like any other, without inputs: a row of its
output is a row of the input. What plans by rows then makes a ring of the input, as it does
of every tensor between two calls.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.compiler.program import ROW_SOURCE, Buffer, KernelCall, Options
from studio.compiler.rows import flow
from studio.errors import Unsupported

HINT = "leave the input in the arena"


def with_source(
    options: Options, buffers: Sequence[Buffer], calls: Sequence[KernelCall]
) -> tuple[KernelCall, ...]:
    """The calls with the one that brings the input's rows in front.

    Raises:
        Unsupported: the plan holds whole tensors, or somebody needs the input as a whole.
    """
    inputs = [b for b, buffer in enumerate(buffers) if buffer.role == "input"]
    if options.plan != "small":
        raise Unsupported(
            f"plan {options.plan} may hold it whole", "streamed input", "choose plan small"
        )
    if len(inputs) != 1:
        raise Unsupported(f"the model has {len(inputs)} inputs, not one", "streamed input", HINT)
    slot = inputs[0]
    image, readers = buffers[slot], [call for call in calls if slot in call.inputs]
    for call in readers:
        rows = flow(call, buffers)
        place = call.inputs.index(slot)
        if rows is None or rows.windows[place][3] != image.shape[0]:
            raise Unsupported(
                f"{call.layer} ({call.kernel}) needs its input as a whole", image.name, HINT
            )
    source = KernelCall(image.name, ROW_SOURCE, (), (slot,), {}, rows=image.shape[0])
    return (source, *calls)


def check(buffers: Sequence[Buffer], arena_bytes: int) -> None:
    """See that the input became a ring.

    Args:
        buffers: as they were laid out.
        arena_bytes: what they take.

    Raises:
        Unsupported: holding it whole takes less, since what is computed may overwrite it.
    """
    for buffer in buffers:
        if buffer.role == "input" and not buffer.rows:
            raise Unsupported(
                "streaming its rows would save nothing: with the whole of it in the arena, results"
                f" are written over it, and the plan takes {arena_bytes} bytes",
                buffer.name,
                f"{HINT}: the same plan without streamed input",
            )
