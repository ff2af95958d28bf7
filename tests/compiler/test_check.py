import numpy as np
import pytest
from nets import Net, ds_cnn

from studio.compiler.check import check
from studio.compiler.lower import lower
from studio.errors import Unsupported


def test_a_supported_net_is_supported_at_every_node():
    assert {row.verdict for row in check(ds_cnn())} == {"supported"}


def test_every_refused_node_is_named_and_those_behind_it_are_still_checked():
    net = Net()
    x = net.node("Shrink", net.conv("x", (4, 3, 3, 3), kernel_shape=[3, 3]))
    x = net.node("Celu", net.conv(x, (4, 4, 3, 3), kernel_shape=[3, 3]))
    rows = check(net.model((1, 3, 8, 8), net.node("Sigmoid", x)))
    refused = [row.op_type for row in rows if row.verdict == "refused"]
    assert refused == ["Shrink", "Celu"]
    assert all(row.hint for row in rows if row.verdict == "refused")
    assert rows[-1].verdict == "supported"


def test_what_is_found_out_last_is_said_of_a_node_as_well():
    net = Net()
    known = net.node("ConstantOfShape", net.const([2, 3], np.int64))
    model = net.model((1, 3), net.node("Relu", "x"), known)
    with pytest.raises(Unsupported):
        lower(model)
    assert [row.op_type for row in check(model) if row.verdict == "refused"] == ["ConstantOfShape"]
