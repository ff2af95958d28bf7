"""The document: a value, its history, its file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.errors import ProjectError, RecipeError
from studio.project import (
    ROOT,
    Application,
    History,
    Project,
    add_node,
    branch,
    fragment,
    from_text,
    graft,
    insert_node,
    move_branch,
    move_up,
    read_project,
    remove_nodes,
    replace_node,
    to_text,
    write_project,
)
from studio.recipe.recipe import Node, Recipe

FOLDER = Path("/somewhere/projects")
FILE = FOLDER / "a.tinyml"
STEPS = ("fold_batch_norm", "quantize_int8")


def sample() -> Project:
    nodes = (
        Node("fold", "fold_batch_norm"),
        Node("int8", "quantize_int8", MappingProxyType({"samples": 64}), "fold", title="Mine"),
        Node("raw", "quantize_int8", parent=None, muted=True),
    )
    return Project(
        model=str(FOLDER / "nets" / "m.onnx"),
        data="example:digits",
        recipe=Recipe(nodes, "Two ways"),
        positions=MappingProxyType({"int8": (240.0, -16.0), ROOT: (0.0, 8.0)}),
        boards=("virtual/host", "rpi_pico"),
        board="rpi_pico",
        toolchain="gcc",
        rounding="double",
        plan="small",
        input="rows",
        weights="ram",
        latency_limit_ms=12.5,
        application=Application(str(FOLDER / "build" / "app.elf"), 40_960, 512),
    )


def test_a_file_gives_back_the_same_project_and_the_same_bytes() -> None:
    text = to_text(sample(), FOLDER)
    again = from_text(text, FILE)
    assert again == sample()
    assert to_text(again, FOLDER) == text


def test_a_whole_number_is_a_time_too() -> None:
    project = from_text("version = 1\nmodel = 'm'\nlatency_limit_ms = 20", FILE)
    assert project.latency_limit_ms == 20.0


def test_streamed_input_and_plan_small_go_together() -> None:
    streamed = Project(plan="fast").chosen(input="rows")
    assert (streamed.plan, streamed.input) == ("small", "rows")
    assert streamed.options.stream_input
    back = streamed.chosen(plan="balanced", input="rows")  # as a form says it: all its fields
    assert (back.plan, back.input) == ("balanced", "whole")
    assert not back.options.stream_input


def test_weights_lie_in_flash_or_in_ram() -> None:
    assert (Project().options.weights, sample().options.weights) == ("flash", "ram")
    before = from_text("version = 1\nmodel = 'm'\nweights = 'int8'", FILE)
    assert before.weights == "flash"
    with pytest.raises(ProjectError, match="weights = 'disk'") as refused:
        from_text("version = 1\nmodel = 'm'\nweights = 'disk'", FILE)
    assert refused.value.hint == "one of flash, ram"


def test_paths_inside_the_folder_are_relative_and_others_are_not() -> None:
    assert 'model = "nets/m.onnx"' in to_text(sample(), FOLDER)
    assert f'model = "{FOLDER}/nets/m.onnx"' in to_text(sample(), Path("/elsewhere"))


def test_the_model_s_own_rounding_is_asked_for_as_none() -> None:
    assert Project().options.rounding is None
    assert sample().options.rounding == "double"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = 1\nmodel = ", "is no TOML"),
        ("model = 'm.onnx'", "has no version"),
        ("version = 2\nmodel = 'm.onnx'", "has version 2"),
        ("version = 1", "'model' is missing"),
        ("version = 1\nmodel = 'm.onnx'\ncolour = 'red'", "unknown key 'colour'"),
        ("version = 1\nmodel = 3", "'model' is no str"),
        ("version = 1\nmodel = 'm'\ntoolchain = 'tcc'", "toolchain = 'tcc'"),
        ("version = 1\nmodel = 'm'\nboards = [1]", "no list of texts"),
        ("version = 1\nmodel = 'm'\ninput = 'half'", "input = 'half'"),
        ("version = 1\nmodel = 'm'\nlatency_limit_ms = -1.0", "is no time"),
        ("version = 1\nmodel = 'm'\nlatency_limit_ms = nan", "is no time"),
        ("version = 1\nmodel = 'm'\n[application]\nflash_bytes = -1", "is no size"),
        ("version = 1\nmodel = 'm'\n[application]\nram_bytes = 5000000000", "is no size"),
        ("version = 1\nmodel = 'm'\n[application]\nram_bytes = true", "is no int"),
        ("version = 1\nmodel = 'm'\n[application]\nfile = 1", "is no str"),
        ("version = 1\nmodel = 'm'\n[application]\nheap = 1", "unknown key 'heap'"),
        ("version = 1\nmodel = 'm'\nlatency_limit_ms = true", "is no float"),
        ("version = 1\nmodel = 'm'\n[positions]\nx = 'left'", "is no [x, y]"),
        ("version = 1\nmodel = 'm'\n[recipe]\nnode = [{id = 'a', step = 'nothing'}]", "no step"),
        ("version = 1\nmodel = 'm'\n[recipe]\nnode = [{id = 'a'}]", "'step' is missing"),
    ],
)
def test_a_bad_file_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(ProjectError, match=r"a\.tinyml") as caught:
        from_text(text, FILE)
    assert says in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be read"):
        read_project(tmp_path / "none.tinyml")
    (tmp_path / "junk.tinyml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProjectError, match="is no text file"):
        read_project(tmp_path / "junk.tinyml")


def test_writing_replaces_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "p.tinyml"
    write_project(sample(), path)
    assert read_project(path) == sample()
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ProjectError, match="cannot be written"):
        write_project(sample(), tmp_path / "missing" / "p.tinyml")


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(ProjectError, match="cannot be written"):
        write_project(Project("/models/a.onnx"), tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_path_that_is_no_unicode_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no Unicode") as refused:
        write_project(Project("/models/gr\udcfcn.onnx"), tmp_path / "a.tinyml")
    assert "rename" in refused.value.hint
    assert not list(tmp_path.iterdir())


def test_a_step_is_inserted_above_and_removing_it_heals() -> None:
    recipe = sample().recipe
    longer, made = insert_node(recipe, "fold_batch_norm", "int8")
    assert longer.by_id["int8"].parent == made
    assert longer.by_id[made].parent == "fold"
    assert remove_nodes(longer, [made]) == recipe


def test_a_branch_is_moved_and_never_below_itself() -> None:
    recipe = sample().recipe
    moved = move_branch(recipe, "int8", ROOT)
    assert moved.by_id["int8"].parent is None
    assert move_branch(moved, "int8", "fold").by_id == recipe.by_id
    with pytest.raises(RecipeError, match="below itself"):
        move_branch(recipe, "fold", "int8")


def test_two_steps_exchange_their_places_and_back() -> None:
    recipe = sample().recipe
    swapped = move_up(recipe, "int8")
    assert [node.id for node in swapped.nodes][:2] == ["int8", "fold"]
    assert (swapped.by_id["int8"].parent, swapped.by_id["fold"].parent) == (None, "int8")
    assert move_up(swapped, "fold") == recipe
    with pytest.raises(RecipeError, match="first step"):
        move_up(recipe, "fold")


def test_removing_the_first_step_leaves_its_children_on_the_model() -> None:
    assert remove_nodes(sample().recipe, ["fold"]).by_id["int8"].parent is None


def test_a_branch_is_cut_out_and_grafted_with_its_settings_and_new_names() -> None:
    recipe = sample().recipe
    part = fragment(recipe, branch(recipe, "fold"))
    assert [node.id for node in part.nodes] == ["fold", "int8"]
    longer, (first, last) = graft(recipe, part, ROOT)
    assert len(longer.nodes) == len(recipe.nodes) + 2
    assert longer.by_id[first].parent is None
    assert longer.by_id[last].parent == first
    assert longer.by_id[last].params == {"samples": 64}
    assert longer.by_id[last].title == "Mine"


def test_a_fragment_closes_the_gap_where_a_step_between_is_left_out() -> None:
    longer, made = insert_node(sample().recipe, "fold_batch_norm", "int8")
    part = fragment(longer, ["fold", "int8"])
    assert part.by_id["int8"].parent == "fold"
    assert made not in part.by_id


def test_new_nodes_get_names_of_their_own() -> None:
    recipe, first = add_node(Recipe(), "fold_batch_norm", ROOT)
    recipe, second = add_node(recipe, "fold_batch_norm", first)
    assert (first, second) == ("fold_batch_norm", "fold_batch_norm_2")
    assert recipe.by_id[second].parent == first


def test_a_bad_parameter_is_refused() -> None:
    with pytest.raises(RecipeError):
        replace_node(sample().recipe, "int8", params={"samples": -1})


def test_positions_of_removed_nodes_are_dropped() -> None:
    project = sample()
    left = project.with_recipe(remove_nodes(project.recipe, ["int8"]))
    assert dict(left.positions) == {ROOT: (0.0, 8.0)}


def test_undo_puts_the_old_value_back_and_redo_the_new_one() -> None:
    before = sample()
    history = History(before).edit(replace(before, board="virtual/host"))
    after = history.now
    assert history.undo().now is before
    assert history.undo().redo().now is after
    assert History(before).undo().now is before


def test_an_edit_that_changes_nothing_is_none() -> None:
    history = History(sample())
    assert history.edit(sample()) is history


def test_a_gesture_is_one_step_of_undo_until_it_is_settled() -> None:
    before = sample()
    history = History(before)
    for samples in (1, 2, 3):
        history = history.edit(replace(before, data=f"{samples}.npz"), "drag")
    assert history.past == (before,)
    assert len(history.settled().edit(replace(before, data="4.npz"), "drag").past) == 2


Edit = st.tuples(
    st.sampled_from(("add", "insert", "remove", "mute", "title", "move")),
    st.integers(0, 20),
    st.sampled_from(STEPS),
)


def edited(project: Project, edit: tuple[str, int, str]) -> Project:
    kind, number, step = edit
    recipe = project.recipe
    ids = [node.id for node in recipe.nodes]
    if kind == "add" or not ids:
        return project.with_recipe(
            add_node(recipe, step, ([ROOT, *ids])[number % (len(ids) + 1)])[0]
        )
    node = ids[number % len(ids)]
    if kind == "insert":
        return project.with_recipe(insert_node(recipe, step, node)[0])
    if kind == "remove":
        return project.with_recipe(remove_nodes(recipe, [node]))
    if kind == "mute":
        muted = not recipe.by_id[node].muted
        return project.with_recipe(replace_node(recipe, node, muted=muted))
    if kind == "title":
        return project.with_recipe(replace_node(recipe, node, title=f"T{number}"))
    return project.moved({node: (8.0 * number, -8.0)})


@given(st.lists(Edit, max_size=12))
def test_random_edits_then_undo_all_gives_the_same_bytes(edits: list[tuple[str, int, str]]) -> None:
    first = sample()
    history = History(first)
    for edit in edits:
        history = history.edit(edited(history.now, edit))
        assert from_text(to_text(history.now, FOLDER), FILE) == history.now
    while history.past:
        history = history.undo()
    assert history.now is first
    assert to_text(history.now, FOLDER) == to_text(first, FOLDER)


def test_files_inside_the_projects_folder_are_stored_relative_to_it() -> None:
    inside, outside = str(FOLDER / "boards" / "mine.toml"), "/elsewhere/Vendor.pdsc#F401"
    project = Project(
        model=str(FOLDER / "m.onnx"),
        boards=("rpi_pico", inside, outside),
        board=inside,
        application=Application(str(FOLDER / "app.map")),
    )
    text = to_text(project, FOLDER)
    assert 'board = "boards/mine.toml"' in text and 'file = "app.map"' in text
    assert outside in text
    assert from_text(text, FILE) == project
    moved = from_text(text, Path("/moved/a.tinyml"))
    assert moved.boards == ("rpi_pico", str(Path("/moved/boards/mine.toml")), outside)
    assert moved.board == str(Path("/moved/boards/mine.toml"))
    assert moved.application.file == str(Path("/moved/app.map"))
