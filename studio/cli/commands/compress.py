"""Run a recipe on a model and save the result as ONNX."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cli import stations
from studio.cli.answer import Answer, number
from studio.errors import ModelError, RecipeError
from studio.job import finish
from studio.targets.figure import Figure
from studio.targets.resources import resource
from studio.writing import check_place, write_whole

if TYPE_CHECKING:
    from studio.recipe.recipe import Recipe


def arguments(parser: argparse.ArgumentParser) -> None:
    """The model, the recipe, the data, the result."""
    stations.add_model(parser)
    parser.add_argument(
        "--recipe", metavar="R", required=True, help=f"a recipe file, or one of: {_ready()}"
    )
    stations.add_data(parser, required=False)
    parser.add_argument("-o", "--output", metavar="OUT.onnx", type=Path, required=True)
    parser.add_argument(
        "--variant", metavar="NODE", default="", help="the node to save where several are leaves"
    )


def run(args: argparse.Namespace, report: stations.Report) -> Answer:
    """Run every node, save one."""
    from studio.recipe.cache import Cache
    from studio.recipe.runner import run as run_recipe

    recipe = _recipe(args.recipe)
    chosen = _variant(recipe, args.variant)
    _check_output(args.output, Path(args.model))
    model = stations.opened(args, report)
    data = stations.loaded(args.data, model) if args.data else None
    result = finish(run_recipe(recipe, model, data, Cache()), report)[chosen]
    content = result.to_bytes()
    write_whole(args.output, content, ModelError)
    figures = {
        "file_bytes": Figure(len(content), "measured"),
        "parameters": Figure(result.parameters, "computed"),
        "macs": Figure(result.macs, "computed"),
    }
    steps = [node.step for node in recipe.path(chosen) if not node.muted]
    plain = {"output": str(args.output), "variant": chosen, "steps": steps, "digest": result.digest}
    text = [
        f"{args.output}: {' > '.join(steps)}",
        f"{number(figures['parameters'])} parameters, {number(figures['macs'])} MACs (computed)",
    ]
    return Answer({"model": model.name, **plain, **figures}, text)


def _check_output(output: Path, source: Path) -> None:
    """Before minutes of training, not after them."""
    check_place(output, ModelError)
    if output.exists() and source.exists() and output.samefile(source):
        raise ModelError("is the model itself", str(output), "save the result under another name")


def _recipe(name: str) -> Recipe:
    from studio.recipe.recipe import read_recipe

    shipped = resource("resources/recipes") / f"{name}.toml"
    if name.isidentifier() and shipped.is_file():
        return read_recipe(shipped)
    if not Path(name).exists():
        raise RecipeError("there is no such recipe", name, f"a file, or one of: {_ready()}")
    return read_recipe(name)


def _ready() -> str:
    return ", ".join(sorted(path.stem for path in resource("resources/recipes").glob("*.toml")))


def _variant(recipe: Recipe, wanted: str) -> str:
    leaves = [node.id for node in recipe.variants]
    if wanted:
        return recipe.path(wanted)[-1].id
    if len(leaves) != 1:
        what = f"has {len(leaves)} variants" if leaves else "has no steps"
        hint = f"--variant: {', '.join(leaves)}" if leaves else "write [[node]] with id and step"
        raise RecipeError(what, recipe.name or "recipe", hint)
    return leaves[0]
