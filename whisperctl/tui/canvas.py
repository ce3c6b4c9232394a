"""Lines on the screen, of which only those that changed are drawn anew.

Owns: the widget `Canvas` for lines, and `Listing` for rows with a cursor and a selection. Leaves to others: what the
lines say. However many rows there are, only those in sight are made.
"""

from collections.abc import Callable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from whisperctl.tui import palette
from whisperctl.tui.line import BLANK, Line, fitted
from whisperctl.tui.palette import DARK, Palette
from whisperctl.tui.views import CHOOSABLE, Key, kept_place

Draw = Callable[[int, int], Line]
"""`draw(number, columns)`: the line of that number."""
Shown = tuple[Line, str]
"""A line and its ground."""


class Canvas(ScrollView, can_focus=False, inherit_bindings=False):
    """Lines on one ground; it scrolls where they are more than fit."""

    DEFAULT_CSS = """
    Canvas { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """
    ALLOW_SELECT = False

    def __init__(self, ground: str = palette.BASE, id: str | None = None) -> None:  # noqa: A002 (Textual's word)
        super().__init__(id=id)
        self.colours: Palette = DARK
        self.ground = ground
        self._count = 0
        self._draw: Draw = lambda _number, _columns: BLANK
        self._shown: dict[int, Shown] = {}

    def paint_with(self, colours: Palette) -> None:
        """Use another palette from now on."""
        self.colours = colours
        self.refresh()

    def show(self, count: int, draw: Draw) -> None:
        """Show `count` lines; those in sight that differ from what is there are drawn."""
        self._draw = draw
        if count != self._count:
            self._count = count
            self.virtual_size = Size(self.size.width, count)
        self.repaint()

    def show_lines(self, lines: Sequence[Line]) -> None:
        self.show(len(lines), lambda number, _columns: lines[number])

    def repaint(self) -> None:
        """Draw what has changed among the lines in sight."""
        width, height = self.scrollable_content_region.size
        top = self.scroll_offset.y
        for y in range(height):
            number = top + y
            if self._shown.get(number) != self._look(number, width):
                self.refresh_line(number)
        if len(self._shown) > 4 * height + 100:
            self._shown = {number: shown for number, shown in self._shown.items() if top <= number < top + height}

    def _look(self, number: int, columns: int) -> Shown:
        line = fitted(self._draw(number, columns), columns) if number < self._count else BLANK
        return line, self.ground_of(number)

    def ground_of(self, number: int) -> str:
        """The ground of a line."""
        del number
        return self.ground

    def on_resize(self, event: events.Resize) -> None:
        self.virtual_size = Size(event.size.width, self._count)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        number = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        line, ground = self._shown[number] = self._look(number, width)
        segments = [Segment(piece.text, self._styled(piece.style, ground, piece.click)) for piece in line if piece.text]
        return Strip(segments).adjust_cell_length(width, self.colours.rich("", ground))

    def _styled(self, style: str, ground: str, click: str) -> Style:
        rich = self.colours.rich(style, ground)
        return rich + Style(meta={"@click": click}) if click else rich


class Listing(Canvas, can_focus=True, inherit_bindings=False):
    """Rows by key, with a cursor that stays on its row when rows come, go and move, and rows that are chosen."""

    class Moved(Message):
        """The cursor stands on another row, or other rows are chosen."""

    class Opened(Message):
        """A row was clicked twice."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.keys: tuple[Key, ...] = ()
        self.cursor: Key | None = None
        self.chosen: frozenset[Key] = frozenset()
        self._index = -1

    @property
    def index(self) -> int:
        """The cursor's row."""
        return self._index

    def show_rows(self, keys: tuple[Key, ...], draw: Callable[[Key, int], Line]) -> None:
        """Show these rows; the cursor keeps its row, and that its place on the screen, as far as they are there."""
        before, at = self.keys, self._index - self.scroll_offset.y
        cursor = self.cursor
        if keys is not before and keys != before:
            self.keys = keys
            self._index = kept_place(before, self._index, keys)
            self.cursor = keys[self._index] if self._index >= 0 else None
            if self.chosen:
                self.chosen &= set(keys)
        self.show(len(keys), lambda number, columns: draw(self.keys[number], columns))
        if self.keys is not before and cursor is not None and 0 <= at < self.size.height:
            self.scroll_to(y=max(min(self._index - at, len(keys) - self.size.height), 0), animate=False)
            self.see_cursor()
            self.repaint()
        if self.cursor != cursor:
            self.post_message(self.Moved())

    def ground_of(self, number: int) -> str:
        if number >= len(self.keys):
            return palette.BASE
        key = self.keys[number]
        if key == self.cursor:
            return palette.CURSOR_CHOSEN if key in self.chosen else palette.CURSOR
        return palette.CHOSEN if key in self.chosen else palette.BASE

    def move_to(self, index: int, *, down: bool = True) -> None:
        """Put the cursor on a row, or on the next one in the direction that can be chosen."""
        found = self._choosable(index, 1 if down else -1)
        if found is None:
            found = self._choosable(index, -1 if down else 1)
        if found is None:
            return
        self._index, self.cursor = found, self.keys[found]
        self.see_cursor()
        self.repaint()
        self.post_message(self.Moved())

    def _choosable(self, index: int, step: int) -> int | None:
        index = min(max(index, 0), len(self.keys) - 1)
        while 0 <= index < len(self.keys):
            if self.keys[index][0] in CHOOSABLE:
                return index
            index += step
        return None

    def see_cursor(self) -> None:
        """Scroll as little as shows the cursor; with the first row, the headings above it."""
        height, top = self.size.height, self.scroll_offset.y
        first = self._choosable(0, 1)
        wanted = 0 if self._index == first and self._index < height else min(self._index, top)
        wanted = max(wanted, self._index - height + 1)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False)

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self.call_after_refresh(self.see_cursor)

    def choose(self, keys: "set[Key]") -> None:
        """These rows are chosen from now on."""
        self.chosen = frozenset(keys)
        self.repaint()
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there; with Ctrl or Shift it chooses; on the cursor's row twice, it opens."""
        index = event.y + self.scroll_offset.y
        if not (0 <= index < len(self.keys)) or self.keys[index][0] not in CHOOSABLE:
            return
        key = self.keys[index]
        if event.ctrl or event.meta:
            self.choose(set(self.chosen ^ {key}))
        elif event.shift:
            low, high = sorted((self._index, index))
            self.choose({key for key in self.keys[low : high + 1] if key[0] in CHOOSABLE})
        self.move_to(index)
        if event.chain == 2 or (key[0] == "batch" and event.x < 2):
            self.post_message(self.Opened())
