"""What is shown over the list: a question, a number to type, the keys, and pages to read.

Owns: these screens. Leaves to others: what the pages say (`whisperctl.tui.details`) and what follows from an answer
(`whisperctl.tui.app`).
"""

import itertools
from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from whisperctl.tui import palette
from whisperctl.tui.canvas import Canvas
from whisperctl.tui.frame import KeyHint, footer
from whisperctl.tui.line import BLANK, Line, Piece, columns_of, plain, wrapped
from whisperctl.tui.palette import Palette

_BOX = 58
"""Columns of a question's box."""
_HALF = 38
"""Columns of the left half of the help page."""


class Box(ModalScreen[str | None]):
    """A box of lines in the middle of the screen. `dismiss` with the answer, None where there is none."""

    DEFAULT_CSS = """
    Box { align: center middle; background: $background 60%; }
    Box > Vertical { width: auto; max-width: 100%; height: auto; max-height: 100%; padding: 1 2; }
    Box > Vertical { background: $surface; border: round $primary; }
    Box.danger > Vertical { border: round $error; }
    Box Canvas { width: 58; max-width: 100%; background: $surface; }
    Box Input { width: 58; height: 1; background: $panel; border: none; padding: 0 1; margin: 1 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", show=False)]

    def __init__(self, lines: list[Line], colours: Palette, *, danger: bool = False) -> None:
        super().__init__(classes="danger" if danger else "")
        self._lines = lines
        self._colours = colours

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Canvas(palette.PANEL, id="lines")

    def on_mount(self) -> None:
        canvas = self.query_one("#lines", Canvas)
        canvas.styles.height = len(self._lines)
        canvas.paint_with(self._colours)
        canvas.show_lines(self._lines)


class Question(Box):
    """Whether to do something that can't be undone: `yes`, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer", show=False),
        Binding("n,enter,q", "dismiss(None)", show=False),
    ]

    def __init__(self, asked: str, told: str, colours: Palette) -> None:
        buttons: Line = (
            Piece(" y ", "badge", "screen.answer"), Piece(" yes", "bold", "screen.answer"), Piece("     "),
            Piece(" n ", "badge", "screen.refuse"), Piece(" no", "bold", "screen.refuse"),
        )  # fmt: skip
        lines = [*wrapped(f"{asked}?", _BOX, "bold"), BLANK, *wrapped(told, _BOX, "dim"), BLANK, buttons]
        super().__init__(lines, colours, danger=True)

    def action_answer(self) -> None:
        self.dismiss("yes")

    def action_refuse(self) -> None:
        self.dismiss(None)


class Place(Box):
    """Which place in the queue jobs get: a number, as text."""

    def __init__(self, what: str, colours: Palette) -> None:
        told = "Enter moves, Esc does not."
        super().__init__(
            [*wrapped(f"Move {what} to which place? 1 is next.", _BOX, "bold"), *wrapped(told, _BOX, "dim")], colours
        )

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Canvas(palette.PANEL, id="lines")
            yield Input(type="integer", restrict=r"[0-9]{0,9}", compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value if event.value.isdigit() and int(event.value) > 0 else None)


class Help(Box):
    """All keys, in two columns. Any key closes it."""

    DEFAULT_CSS = "Help Canvas { width: 74; }"

    def __init__(self, columns: "tuple[list[Line], list[Line]]", colours: Palette) -> None:
        left, right = columns
        rows = itertools.zip_longest(left, right, fillvalue=BLANK)
        super().__init__([(*line, Piece(" " * (_HALF - columns_of(line))), *beside) for line, beside in rows], colours)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(None)

    def on_click(self) -> None:
        self.dismiss(None)


class Reader(Screen[None]):
    """A page to read: `lines_of(columns)` makes it, for the columns there are.

    `refresh_page` makes it anew; a page that was read to its end stays there when it grows.
    """

    DEFAULT_CSS = """
    Reader { background: $background; }
    Reader #head { height: 1; }
    Reader #page { height: 1fr; }
    Reader #foot { height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,left,h,enter", "dismiss(None)", show=False),
        Binding("down,j", "down", show=False),
        Binding("up,k", "up", show=False),
        Binding("pagedown,space", "page_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("home,g", "home", show=False),
        Binding("end,G", "end", show=False),
        Binding("t", "times", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(
        self, title: str, colours: Palette, lines_of: "Callable[[int, bool], list[Line]]", *, text: bool
    ) -> None:
        """`lines_of(columns, times)`; `text` offers what can be done with a transcript."""
        super().__init__()
        self._title = title
        self._colours = colours
        self._lines_of = lines_of
        self._text = text
        self._times = True

    def compose(self) -> ComposeResult:
        yield Canvas(palette.BAR, id="head")
        yield Canvas(id="page")
        yield Canvas(palette.BAR, id="foot")

    def on_mount(self) -> None:
        for canvas in self.query(Canvas):
            canvas.paint_with(self._colours)
        self.refresh_page()

    def on_resize(self) -> None:
        self.call_after_refresh(self.refresh_page)

    def refresh_page(self) -> None:
        page = self.query_one("#page", Canvas)
        at_end = page.is_vertical_scroll_end and page.max_scroll_y > 0
        columns = max(self.size.width - 2, 20)
        page.show_lines([BLANK, *self._lines_of(columns, self._times)])
        if at_end:
            page.scroll_end(animate=False)
        self.query_one("#head", Canvas).show_lines([(Piece(" whisperd ", "badge"), Piece(f" {self._title}", "bold"))])
        hints = [KeyHint("esc", "back", "screen.dismiss(None)"), KeyHint("↑↓", "scroll", "")]
        if self._text:
            times = "running text" if self._times else "with times"
            hints += [KeyHint("t", times, "screen.times"), KeyHint("y", "copy", "screen.copy")]
        self.query_one("#foot", Canvas).show_lines([footer([*hints[1:], hints[0]], self.size.width)])

    def action_times(self) -> None:
        if self._text:
            self._times = not self._times
            self.refresh_page()

    def action_copy(self) -> None:
        if self._text:
            text = "\n".join(plain(line).strip() for line in self._lines_of(10_000, False))
            self.app.copy_to_clipboard(text)  # pyright: ignore[reportUnknownMemberType] (any app)
            self.notify("The text is on the clipboard, where the terminal allows it.")

    def action_down(self) -> None:
        self.query_one("#page", Canvas).scroll_relative(y=1, animate=False)

    def action_up(self) -> None:
        self.query_one("#page", Canvas).scroll_relative(y=-1, animate=False)

    def action_page_down(self) -> None:
        self.query_one("#page", Canvas).scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        self.query_one("#page", Canvas).scroll_page_up(animate=False)

    def action_home(self) -> None:
        self.query_one("#page", Canvas).scroll_home(animate=False)

    def action_end(self) -> None:
        self.query_one("#page", Canvas).scroll_end(animate=False)
