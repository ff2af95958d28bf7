"""CALL_ONCE, VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE: state under names of its own."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from studio.model.importers.tflite.file import DAMAGED
from studio.model.importers.tflite.graph import Resource
from studio.model.importers.tflite.operator import Site

_CONSTANTS = "initial values that are computed; let the initialisation assign constants"


def call_once(site: Site) -> None:
    """What the initialisation assigns are the values of a fresh run."""
    called = site.graph.once(int(site.option("InitSubgraphIndex")))
    names: dict[int, str] = {}
    for operator in called.operators:
        if operator.kind == "VAR_HANDLE":
            names[operator.outputs[0]] = _name(operator.options)
        elif operator.kind == "ASSIGN_VARIABLE":
            handle, source = operator.inputs
            data = called.tensors[source].data
            if handle not in names or data is None:
                raise site.refused(*_CONSTANTS.split("; "))
            site.graph.resource(names[handle]).initial = data
        else:
            raise site.refused(*_CONSTANTS.split("; "))


def var_handle(site: Site) -> None:
    """A tensor that stands for a variable."""
    name = _name(site.options)
    if not name:
        raise site.refused("a variable without a name", DAMAGED)
    site.graph.handles[site.output_index()] = name


def read_variable(site: Site) -> None:
    """The value that was assigned last, in this run or the one before."""
    index = site.output_index()
    variable = _variable(site, index)
    if not variable.value:
        initial = variable.initial
        if initial is None:
            initial = np.zeros(site.result().shape, site.result().dtype)
        variable.value = site.graph.state_in(index, variable.name, initial)
    site.graph.write(index, variable.value, view_of=variable.tensor)


def assign_variable(site: Site) -> None:
    """The value that reads find from here on."""
    index = site.index(1)
    variable = _variable(site, index)
    site.graph.state_in(variable.tensor, variable.name, variable.initial)
    variable.value = site.graph.read(index)
    site.graph.state_out(variable.tensor, variable.value)


def _variable(site: Site, index: int) -> Resource:
    """The variable of a site, which holds the values of a tensor."""
    tensors = site.graph.tensors
    handle = site.index(0)
    name = site.graph.handles.get(handle)
    if name is None:
        raise site.refused("a variable that is not there", DAMAGED)
    variable = site.graph.resource(name)
    if variable.tensor < 0:
        variable.tensor, variable.name = index, site.graph.name_of(handle)
    held, used = tensors[variable.tensor], tensors[index]
    if held.shape != used.shape or not held.same_grid(used):
        raise site.refused("a variable that changes its type, shape or scale", "keep them")
    return variable


def _name(options: Any) -> str:
    """Under which a variable is shared between graphs."""
    if options is None:
        return ""
    try:
        parts = (options.Container() or b"", options.SharedName() or b"")
    except (struct.error, AttributeError):  # what the schema reader raises on damage
        return ""
    return "/".join(part.decode("utf-8", "replace") for part in parts if part)


TRANSLATORS = {
    "CALL_ONCE": call_once,
    "VAR_HANDLE": var_handle,
    "READ_VARIABLE": read_variable,
    "ASSIGN_VARIABLE": assign_variable,
}
