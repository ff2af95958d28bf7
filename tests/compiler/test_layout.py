import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.compiler.layout import Layout, channels_last, copy_plan, plain

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@st.composite
def layouts(draw, shape=None):
    view = draw(shapes) if shape is None else shape
    return Layout(view, tuple(draw(st.permutations(range(len(view))))))


def stored(layout: Layout) -> np.ndarray:
    """The logical index of each stored element."""
    return np.arange(math.prod(layout.view)).reshape(layout.view).transpose(layout.order).ravel()


@given(st.data())
def test_layouts_are_the_same_exactly_if_they_store_the_same_bytes(data):
    one = data.draw(layouts())
    other = data.draw(layouts(one.view))
    assert one.same_as(other) == np.array_equal(stored(one), stored(other))


@given(st.data())
def test_copy_plan_moves_every_element_to_its_place(data):
    source = data.draw(layouts())
    target = data.draw(layouts(source.view))
    shape, steps = copy_plan(source, target)
    memory = stored(source)
    index = sum(np.indices(shape)[axis] * step for axis, step in enumerate(steps))
    assert np.array_equal(memory[np.asarray(index).ravel()], stored(target))


def test_copy_plan_goes_through_a_reshape():
    image = channels_last((1, 4, 3, 2))
    flat = plain((1, 24))
    shape, steps = copy_plan(image, flat)
    index = sum(np.indices(shape)[axis] * step for axis, step in enumerate(steps))
    assert np.array_equal(stored(image)[np.asarray(index).ravel()], np.arange(24))


def test_channels_last_of_one_channel_is_plain():
    assert channels_last((1, 1, 5, 7)).same_as(plain((1, 35)))


def test_borders_that_do_not_divide_each_other_are_refused():
    with pytest.raises(ValueError, match="do not divide"):
        copy_plan(Layout((4, 6), (1, 0)), Layout((6, 4), (1, 0)))
