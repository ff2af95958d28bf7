"""Everything that the user can do, as registered functions of the window."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QProcess
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from studio import __version__
from studio.gui import export, present
from studio.gui.actions import command
from studio.gui.command_palette import open_palette
from studio.project import ROOT

if TYPE_CHECKING:
    from studio.gui.main_window import MainWindow


def _has_model(window: MainWindow) -> bool:
    return window.session.state.model is not None


def _idle(window: MainWindow) -> bool:
    return _has_model(window) and window.foreground is None


def _on_steps(window: MainWindow) -> bool:
    return _has_model(window) and bool(window.chosen_steps)


def _on_step(window: MainWindow) -> bool:
    return _has_model(window) and window.session.state.selected != ROOT  # whatever is marked


def _has_step_before(window: MainWindow) -> bool:
    state = window.session.state
    return _on_step(window) and present.parent_of(state, state.selected) != ROOT


def _has_step_after(window: MainWindow) -> bool:
    state = window.session.state
    return _on_step(window) and bool(present.children(state, state.selected))


# ---- File ----------------------------------------------------------------------------------


@command("Open…", "File", "Ctrl+O", icon="open")
def open_file(window: MainWindow) -> None:
    """Open a model or a project."""
    window.ask_open()


@command("New window", "File", "Ctrl+Shift+N")
def new_window(window: MainWindow) -> None:
    """Start another window; steps are copied and pasted between them."""
    QProcess.startDetached(sys.executable, ["-m", "studio"])


@command("Open data…", "File", "Ctrl+Shift+O", enabled=_has_model)
def open_data(window: MainWindow) -> None:
    """Open the data set that the model is run and measured on."""
    window.ask_data()


@command("Open data folder…", "File", enabled=_has_model)
def open_data_folder(window: MainWindow) -> None:
    """Open a folder of recordings or pictures, one sub-folder a class."""
    folder = QFileDialog.getExistingDirectory(window, "Open data folder")
    if folder:
        window.open_data(folder)


@command("Open example: motion", "File", new_group=True)
def open_motion(window: MainWindow) -> None:
    """Six-axis recordings of a wrist, four classes, a small one-dimensional net."""
    window.open("example:motion")


@command("Open example: digits", "File")
def open_digits(window: MainWindow) -> None:
    """Handwritten digits, ten classes, a small depthwise-separable net."""
    window.open("example:digits")


@command("Save", "File", "Ctrl+S", icon="save", enabled=_has_model, new_group=True)
def save(window: MainWindow) -> None:
    """Save the project."""
    window.save()


@command("Save as…", "File", "Ctrl+Shift+S", enabled=_has_model)
def save_as(window: MainWindow) -> None:
    """Save the project under another name."""
    window.save(ask=True)


@command("Save model as ONNX…", "File", "Ctrl+E", enabled=_idle)
def save_model(window: MainWindow) -> None:
    """Run the way to the selected step and save its model, to be opened anywhere."""
    window.ask_model()


@command("Quit", "File", "Ctrl+Q", new_group=True)
def leave(window: MainWindow) -> None:
    """Close the window."""
    window.close()


# ---- Edit ----------------------------------------------------------------------------------


@command(
    "Undo", "Edit", "Ctrl+Z", icon="undo", enabled=lambda w: bool(w.session.state.history.past)
)
def undo(window: MainWindow) -> None:
    """Put the project back to what it was before the last edit."""
    window.session.undo()


@command(
    "Redo",
    "Edit",
    "Ctrl+Shift+Z",
    icon="redo",
    enabled=lambda w: bool(w.session.state.history.future),
)
def redo(window: MainWindow) -> None:
    """Do again what was undone."""
    window.session.redo()


@command("Cut steps", "Edit", "Ctrl+X", enabled=_on_steps, new_group=True, on_pipeline=True)
def cut_steps(window: MainWindow) -> None:
    """Copy the marked steps as text and remove them."""
    copy_steps(window)
    delete_step(window)


@command("Copy steps", "Edit", "Ctrl+C", icon="copy", enabled=_on_steps, on_pipeline=True)
def copy_steps(window: MainWindow) -> None:
    """Copy the marked steps as the text of a recipe, for this window or another one."""
    QGuiApplication.clipboard().setText(window.session.copied(*window.chosen_steps))


@command("Paste steps", "Edit", "Ctrl+V", enabled=_has_model, on_pipeline=True)
def paste_steps(window: MainWindow) -> None:
    """Add the copied steps behind the selected card."""
    window.paste()


@command("Delete steps", "Edit", "Del", enabled=_on_steps, on_pipeline=True)
def delete_step(window: MainWindow) -> None:
    """Remove the marked steps; what came after them follows what came before."""
    window.session.remove(*window.chosen_steps)


@command("Mark all cards", "Edit", "Ctrl+A", enabled=_has_model, on_pipeline=True)
def mark_all(window: MainWindow) -> None:
    """Mark every card of the pipeline."""
    window.canvas.mark(tuple(window.canvas.cards))


@command(
    "Mute steps", "Edit", "M", icon="muted", enabled=_on_steps, new_group=True, on_pipeline=True
)
def mute_step(window: MainWindow) -> None:
    """Skip the marked steps, or take them in again."""
    window.session.mute(*window.chosen_steps)


@command("Duplicate branch", "Edit", "Ctrl+D", enabled=_on_step)
def duplicate_step(window: MainWindow) -> None:
    """Add the selected step and all that follows it again, as a second branch."""
    window.session.duplicate(window.session.state.selected)


@command("Rename step", "Edit", "F2", enabled=_on_step)
def rename_step(window: MainWindow) -> None:
    """Give the selected step a name of your own."""
    window.menus.name()


@command("Move step earlier", "Edit", "Alt+Up", enabled=_has_step_before)
def move_earlier(window: MainWindow) -> None:
    """Exchange the selected step with the one before it."""
    window.session.move_up(window.session.state.selected)


@command("Move step later", "Edit", "Alt+Down", enabled=_has_step_after)
def move_later(window: MainWindow) -> None:
    """Exchange the selected step with the one after it."""
    state = window.session.state
    window.session.move_up(present.children(state, state.selected)[0], state.selected)


@command("Move step below…", "Edit", "Alt+Right", enabled=_on_step)
def move_below(window: MainWindow) -> None:
    """Choose a card below which the selected step, with what follows it, shall stand."""
    window.menus.places()


@command("Add step…", "Pipeline", "Ctrl+Return", icon="plus", enabled=_has_model)
def add_step(window: MainWindow) -> None:
    """Choose a step to add behind the selected card."""
    window.menus.add()


@command("Insert step…", "Pipeline", "Ctrl+Shift+Return", enabled=_on_step)
def insert_step(window: MainWindow) -> None:
    """Choose a step to insert before the selected one."""
    window.menus.insert()


@command("Copy table as CSV", "Edit", enabled=lambda w: w.parts.table is not None, new_group=True)
def copy_csv(window: MainWindow) -> None:
    """Copy the table of the panel in view for a spreadsheet."""
    if window.parts.table is not None:
        export.copy_csv(window.parts.table)


@command("Copy table as Markdown", "Edit", enabled=lambda w: w.parts.table is not None)
def copy_markdown(window: MainWindow) -> None:
    """Copy the table of the panel in view for a text."""
    if window.parts.table is not None:
        export.copy_markdown(window.parts.table)


@command("Copy plot", "Edit", enabled=lambda w: w.parts.plot is not None)
def copy_plot(window: MainWindow) -> None:
    """Copy the plot of the panel in view as a picture."""
    if window.parts.plot is not None:
        export.copy_picture(window.parts.plot)


@command("Save plot…", "Edit", enabled=lambda w: w.parts.plot is not None)
def save_plot(window: MainWindow) -> None:
    """Save the plot of the panel in view as SVG or PNG."""
    if window.parts.plot is not None:
        window.guarded(export.ask_picture)(window.parts.plot)


@command("Copy pipeline as image", "Edit", enabled=_has_model)
def copy_pipeline(window: MainWindow) -> None:
    """Copy the canvas as a picture."""
    export.copy_picture(window.canvas)


# ---- View ----------------------------------------------------------------------------------


@command("Command palette", "View", "Ctrl+Shift+P", icon="search")
def command_palette(window: MainWindow) -> None:
    """Find a command by a few letters."""
    open_palette(window)


@command("Fit pipeline", "View", "Ctrl+0", icon="fit", new_group=True)
def fit(window: MainWindow) -> None:
    """Show the whole pipeline."""
    window.canvas.fit()


@command("Zoom in", "View", "Ctrl++")
def zoom_in(window: MainWindow) -> None:
    """Show the pipeline larger."""
    window.canvas.set_zoom(window.canvas.zoom * 1.25)


@command("Zoom out", "View", "Ctrl+-")
def zoom_out(window: MainWindow) -> None:
    """Show the pipeline smaller."""
    window.canvas.set_zoom(window.canvas.zoom / 1.25)


@command("Pipeline as tree", "View", "Ctrl+T", icon="tree", checked=lambda w: w.shows_tree)
def toggle_tree(window: MainWindow) -> None:
    """Show the pipeline as a tree, for keyboard and screen reader."""
    window.show_tree(not window.shows_tree)


@command("Tidy cards", "View", "Ctrl+L", enabled=_has_model)
def tidy(window: MainWindow) -> None:
    """Put moved cards back into columns and rows."""
    window.session.tidy()


@command("System theme", "View", checked=lambda w: w.theme_choice == "system", new_group=True)
def theme_system(window: MainWindow) -> None:
    """Light or dark as the desktop is."""
    window.set_theme("system")


@command("Light theme", "View", checked=lambda w: w.theme_choice == "light")
def theme_light(window: MainWindow) -> None:
    """Dark text on light."""
    window.set_theme("light")


@command("Dark theme", "View", checked=lambda w: w.theme_choice == "dark")
def theme_dark(window: MainWindow) -> None:
    """Light text on dark."""
    window.set_theme("dark")


@command("Reset layout", "View", new_group=True)
def reset_layout(window: MainWindow) -> None:
    """Put the panels back to where they were at first."""
    window.parts.docks.reset()


# ---- Pipeline ------------------------------------------------------------------------------


@command("Run", "Pipeline", "F5", icon="run", enabled=_idle)
def run(window: MainWindow) -> None:
    """Run every step and measure the accuracy of each variant."""
    window.run()


@command("Run to selected step", "Pipeline", "Shift+F5", enabled=_idle)
def run_to_here(window: MainWindow) -> None:
    """Run the steps up to the selected one."""
    window.run(to_selected=True)


@command("Cancel", "Pipeline", "Ctrl+.", icon="stop", enabled=lambda w: w.foreground is not None)
def cancel(window: MainWindow) -> None:
    """Stop what is running."""
    window.cancel()


@command("Generate C…", "Pipeline", "F6", icon="generate", enabled=_idle, new_group=True)
def generate(window: MainWindow) -> None:
    """Write the C project of the selected variant and board into a folder."""
    window.ask_generate()


@command("Show generated C", "Pipeline", "Shift+F6", enabled=_idle)
def show_code(window: MainWindow) -> None:
    """Generate the C of the selected variant and read it in the Code panel."""
    window.show_code()


# ---- Board ---------------------------------------------------------------------------------


@command("Flash and verify", "Board", "F7", icon="flash", enabled=_idle)
def flash(window: MainWindow) -> None:
    """Build the firmware, flash the selected board and compare it with the host."""
    window.flash()


@command("Live", "Board", "F8", icon="live", enabled=_idle)
def live(window: MainWindow) -> None:
    """Send the test set to the board window by window and plot its answers."""
    window.live()


@command("Compare boards…", "Board", "Ctrl+B", icon="board", new_group=True)
def compare_boards(window: MainWindow) -> None:
    """Choose the boards whose budget is shown."""
    window.budget.open_chooser()


@command("Add a board file…", "Board")
def add_board_file(window: MainWindow) -> None:
    """Choose a board of your own: a TOML profile, a PlatformIO manifest or a CMSIS-Pack .pdsc."""
    window.own.ask()


@command("Describe a board…", "Board")
def describe_board(window: MainWindow) -> None:
    """Fill in a form on a board of your own, and save it as a TOML profile."""
    window.own.describe()


@command("My application…", "Board", enabled=_has_model, new_group=True)
def my_application(window: MainWindow) -> None:
    """Say what the rest of your firmware takes; every budget counts it."""
    window.own.edit_application()


# ---- Help ----------------------------------------------------------------------------------


@command("Tour", "Help")
def tour(window: MainWindow) -> None:
    """Four steps from a model to a board, on the motion example."""
    window.tour()


@command("Keyboard shortcuts…", "Help")
def shortcuts(window: MainWindow) -> None:
    """See and change the keys of every command."""
    window.change_shortcuts()


@command("About TinyML Studio", "Help", new_group=True)
def about(window: MainWindow) -> None:
    """Version and licence."""
    window.notices.good(f"TinyML Studio {__version__}", "Apache-2.0; generated code is 0BSD")
