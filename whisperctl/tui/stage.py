"""The live view's screen: its widgets, how they are arranged, and when it is drawn.

Owns: the arrangement by the terminal's size, and when the picture is settled and drawn. Leaves to others: what is on
the screen (`scene`), the rules of the picture (`advance`), the conversation (`link`, `inquiry`), what keys and clicks
do (`app`).
"""

import asyncio
import time
from collections.abc import Callable

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Input

from whisperctl.tui import frame, keys, palette, panels, views
from whisperctl.tui.advance import advance
from whisperctl.tui.canvas import Canvas, Listing
from whisperctl.tui.inputs import Input as Change
from whisperctl.tui.inquiry import Inquiry
from whisperctl.tui.link import Link
from whisperctl.tui.palette import Palette
from whisperctl.tui.picture import Subject
from whisperctl.tui.scene import Scene
from whisperctl.tui.screens import Reader

DRAWN = 0.05
"""Seconds between two drawings of what comes unasked; what the person asked for is drawn at once."""
SIDE_FROM = 118
"""Columns from which on there is a panel beside the list."""
TALL_FROM = 32
"""Rows from which on there is a panel below the list where there is none beside it."""


class Main(Screen[object]):
    """The screen with the lists, which others may cover; says when it is arranged anew."""

    def __init__(self, arranged: Callable[[], None]) -> None:
        super().__init__()
        self._arranged = arranged

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width >= SIDE_FROM, "wide")
        self.call_after_refresh(self._arranged)


class Stage(App[None]):
    """Shows the daemon at a socket, as far as it is told to `take` what has changed."""

    CSS = """
    Screen { background: $background; }
    #title, #tabs, #footer { height: 1; }
    #banner { height: auto; display: none; }
    #body { height: 1fr; }
    #lists { width: 1fr; }
    Listing, #system { height: 1fr; }
    #side { width: 46; border-left: solid $panel; display: none; }
    #below { height: 7; display: none; }
    #strip { height: 2; }
    #ask { height: 1; display: none; background: $panel; }
    #ask Canvas { width: 10; height: 1; }
    #ask Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    Screen.wide #strip { display: none; }
    Toast { width: 50; }
    """
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False

    def __init__(self, socket: str, colours: Palette) -> None:
        super().__init__(ansi_color=colours.terminal)
        self.animation_level = "none"
        self.colours = colours
        self.scene = Scene()
        self.link = Link(socket, self.take)
        self.inquiry = Inquiry(self.link, self.take, self.scene)
        self._changes: list[Change] = []
        self._changed = asyncio.Event()

    def get_default_screen(self) -> Main:
        return Main(self._arranged)

    def compose(self) -> ComposeResult:
        yield Canvas(palette.BAR, id="title")
        yield Canvas(palette.BAR, id="tabs")
        yield Canvas(palette.BASE, id="banner")
        with Horizontal(id="body"):
            with Vertical(id="lists"):
                for view in views.VIEWS[:-1]:
                    yield Listing(id=view)
                yield Canvas(id=views.SYSTEM)
            yield Canvas(palette.PANEL, id="side")
        yield Canvas(palette.PANEL, id="below")
        with Horizontal(id="ask"):
            yield Canvas(palette.BAR, id="asked")
            yield Input(compact=True)
        yield Canvas(palette.BAR, id="strip")
        yield Canvas(palette.BAR, id="footer")

    def subjects(self) -> tuple[Subject, ...]:
        """What a verb is for: all that is chosen, else the row with the cursor."""
        listing = self.listing
        if listing is None:
            return ()
        wanted = [key for key in listing.keys if key in listing.chosen] if listing.chosen else [listing.cursor]
        return tuple(subject for subject in map(views.subject_of, wanted) if subject is not None)

    # -- the picture and its drawing ----------------------------------------------------------------------------------

    def take(self, change: Change) -> None:
        """Something has changed: draw it soon, together with what else changes until then."""
        self._changes.append(change)
        self._changed.set()

    async def settle_changes(self) -> None:
        """Settle what changes, until cancelled."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(DRAWN)
            self.settle()

    def settle(self) -> None:
        """Take in all changes, and draw."""
        self._changed.clear()
        changes, self._changes = self._changes, []
        self.scene.picture = advance(self.scene.picture, changes)
        self.draw()
        self.inquiry.look_again()

    def tick(self) -> None:
        """Draw what changes with time alone."""
        if self.screen_stack and self._main.outer_size != self.size:
            # Textual tells its screens by a one-shot timer, and passes over one whose moment has gone by before it
            # begins to wait, as happens on a busy machine.
            for screen in self.screen_stack:
                screen.post_message(Resize(self.size, self.size))
        self.draw()

    def draw(self) -> None:
        """Bring the screen up to the picture; only lines that differ are written to the terminal."""
        # a timer's turn may come before the screen is laid out, or while it is taken apart
        if not self.is_running or not self.screen_stack or self._main.size.width == 0:
            return
        scene, columns = self.scene, self._main.size.width
        banner = frame.banner(scene.picture, columns)
        self._canvas("banner").display = bool(banner)
        self._canvas("banner").styles.height = len(banner)
        self._canvas("banner").show_lines(banner)
        self._canvas("title").show_lines([frame.title(scene.picture, time.monotonic(), columns)])
        self._canvas("tabs").show_lines([frame.tabs(scene.picture, scene.view, columns)])
        if listing := self.listing:
            listing.show_rows(scene.shown().keys, scene.row)
        else:
            page = self._canvas(views.SYSTEM)
            page.show_lines(panels.system(scene.picture, max(page.size.width - 1, 20)))
        self._draw_around()
        if isinstance(self.screen, Reader):
            self.screen.refresh_page()

    def _draw_around(self) -> None:
        """What depends on the cursor."""
        scene, listing, size = self.scene, self.listing, self._main.size
        cursor = listing.cursor if listing else None
        self._canvas("strip").show_lines(panels.strip(scene.picture, size.width))
        chosen = len(listing.chosen) if listing else 0
        hints = keys.hints(
            scene.picture, scene.view, cursor, self.subjects(),
            filtered=bool(scene.filter), chosen=chosen, unfolded=scene.unfolded,
        )  # fmt: skip
        self._canvas("footer").show_lines([frame.footer(hints, size.width)])
        side, below = self._canvas("side"), self._canvas("below")
        wide = self._main.has_class("wide")
        below.display = not wide and cursor is not None and (scene.view == views.FAILED or size.height >= TALL_FROM)
        side.display = wide and listing is not None
        if side.display:
            side.show_lines(scene.side(cursor, side.size.width, side.size.height))
        elif below.display:
            below.show_lines(scene.details(cursor, size.width)[: below.size.height])

    @property
    def _main(self) -> Screen[object]:
        return self.screen_stack[0]

    def _canvas(self, name: str) -> Canvas:
        return self._main.query_one(f"#{name}", Canvas)

    @property
    def listing(self) -> Listing | None:
        """The list of the view that is shown; None where that is not one."""
        return None if self.scene.view == views.SYSTEM else self._main.query_one(f"#{self.scene.view}", Listing)

    def _use(self, colours: Palette) -> None:
        self.colours = colours
        self.ansi_color = colours.terminal
        self.theme = colours.name
        for canvas in self._main.query(Canvas):
            canvas.paint_with(colours)

    def _arranged(self) -> None:
        self.draw()
        if listing := self.listing:
            listing.see_cursor()
            listing.repaint()
