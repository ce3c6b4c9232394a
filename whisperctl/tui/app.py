"""The live view's application: what keys and clicks do.

Owns: the bindings and the actions. Leaves to others: the screen and its drawing (`stage`), what each key is said to do
(`keys`), orders to the daemon (`orders`).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import Input

from whisperctl import render
from whisperctl.errors import CommandError
from whisperctl.shapes import Json
from whisperctl.tui import details, keys, rows, verbs, views
from whisperctl.tui import picture as known
from whisperctl.tui.canvas import Listing
from whisperctl.tui.inputs import Followed, TranscriptsCame, Unanswered
from whisperctl.tui.inquiry import transcripts
from whisperctl.tui.line import Line, Piece
from whisperctl.tui.orders import Orders
from whisperctl.tui.palette import PALETTES, Palette
from whisperctl.tui.picture import Subject
from whisperctl.tui.screens import Help, Place, Question, Reader
from whisperctl.tui.stage import Stage
from whisperd.wire import names

TICK = 1.0
"""Seconds between two drawings of what changes with time alone."""
FORESIGHT = 30
"""Rows before the last one at which the next page of the history is asked for."""
SAID = 6.0
"""Seconds for which a message stays."""


class Top(Stage):
    """The live view of the daemon at a socket."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"show('{name}')", show=False) for number, name in enumerate(views.VIEWS, 1)),
        Binding("tab", "next_view(1)", show=False, priority=True),
        Binding("shift+tab", "next_view(-1)", show=False, priority=True),
        Binding("down,j", "row(1)", show=False),
        Binding("up,k", "row(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("home,g", "end_row(0)", show=False),
        Binding("end,G", "end_row(1)", show=False),
        Binding("right,l", "fold(True)", show=False),
        Binding("left,h", "fold(False)", show=False),
        Binding("enter,f", "open", show=False),
        Binding("i", "info", show=False),
        Binding("space", "choose", show=False),
        Binding("a", "choose_all", show=False),
        Binding("escape", "take_back", show=False),
        Binding("slash", "filter", show=False),
        Binding("shift+up,K", "shift(-1)", show=False),
        Binding("shift+down,J", "shift(1)", show=False),
        Binding("m", "move_to", show=False),
        Binding("P", "queue", show=False),
        Binding("X", "clear_finished", show=False),
        Binding("T", "colours", show=False),
        Binding("question_mark,f1", "help", show=False),
        Binding("q,ctrl+c", "quit", show=False),
        *(Binding(verb.key, f"verb('{verb.name}')", show=False) for verb in verbs.VERBS),
    ]

    def __init__(self, socket: str, colours: Palette) -> None:
        super().__init__(socket, colours)
        self.orders = Orders(self.link, self.take, self.settle, self.say)

    def on_mount(self) -> None:
        for colours in PALETTES.values():
            self.register_theme(colours.theme())
        self._use(self.colours)
        self.action_show(self.scene.view)
        self.set_interval(TICK, self.tick)
        self.run_worker(self.settle_changes())
        self.run_worker(self.link.run())
        self.run_worker(self.inquiry.run())

    def on_unmount(self) -> None:
        self.link.close()

    # -- moving about -------------------------------------------------------------------------------------------------

    def action_show(self, view: str) -> None:
        """Show another view; each keeps its cursor and what is chosen."""
        self._close_input()
        self.scene.view = view
        for name in views.VIEWS:
            self._canvas(name).display = name == view
        self._main.set_focus(self.listing)
        self.draw()
        self.inquiry.look_again()

    def action_next_view(self, step: int) -> None:
        if len(self.screen_stack) == 1:
            at = views.VIEWS.index(self.scene.view)
            self.action_show(views.VIEWS[(at + step) % len(views.VIEWS)])

    def action_row(self, step: int) -> None:
        if listing := self.listing:
            listing.move_to(listing.index + step, down=step > 0)
        else:
            self._canvas(views.SYSTEM).scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        if listing := self.listing:
            listing.move_to(listing.index + step * max(listing.size.height - 1, 1), down=step > 0)
        else:
            page = self._canvas(views.SYSTEM)
            page.scroll_relative(y=step * page.size.height, animate=False)

    def action_end_row(self, last: int) -> None:
        if listing := self.listing:
            listing.move_to(len(listing.keys) - 1 if last else 0, down=not last)

    def action_choose(self) -> None:
        listing = self.listing
        if listing and listing.cursor and views.subject_of(listing.cursor):
            listing.choose(set(listing.chosen ^ {listing.cursor}))
            listing.move_to(listing.index + 1)

    def action_choose_all(self) -> None:
        if listing := self.listing:
            everything = {key for key in listing.keys if views.subject_of(key)}
            listing.choose(set() if listing.chosen >= everything else everything)

    def action_take_back(self) -> None:
        """Take back the last thing: typing, then what is chosen, then the filter."""
        listing = self.listing
        if self._main.query_one("#ask").display:
            self._filter("")
            self._close_input()
        elif listing and listing.chosen:
            listing.choose(set())
        elif self.scene.filter:
            self._filter("")

    def action_fold(self, unfold: bool) -> None:
        """Unfold the batch with the cursor; fold it, or that of the item with the cursor."""
        listing = self.listing
        if listing is None or self.scene.view != views.BATCHES:
            return
        number = views.batch_of(listing.keys, listing.index)
        if number is None:
            return
        if unfold:
            self.scene.unfolded |= {number}
            self.take(Unanswered(frozenset({("items", number)})))
            self.inquiry.hurry("items")
        else:
            self.scene.unfolded -= {number}
        self.settle()
        if not unfold:
            listing.move_to(listing.keys.index(("batch", number)))

    def action_colours(self) -> None:
        order = list(PALETTES.values())
        self._use(order[(order.index(self.colours) + 1) % len(order)])
        self.draw()

    def action_help(self) -> None:
        self.push_screen(Help(keys.help_columns(), self.colours))

    @on(Listing.Moved)
    def _row_changed(self) -> None:
        self._draw_around()
        listing, cursor = self.listing, self.scene.picture.transcripts.next_cursor
        if listing and cursor and self.scene.view == views.HISTORY and listing.index > len(listing.keys) - FORESIGHT:
            self._more_transcripts(cursor)

    # -- filtering and searching --------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        if self.listing is None:
            return
        word = " search " if self.scene.view == views.HISTORY else " filter "
        self._canvas("asked").show_lines([(Piece(word, "key"),)])
        self._main.query_one("#ask").display = True
        field = self._main.query_one(Input)
        field.value = self.scene.wanted.get(self.scene.view, "")
        field.focus()

    @on(Input.Changed, "#ask Input")
    def _typed(self, event: Input.Changed) -> None:
        if self._main.query_one("#ask").display and event.value != self.scene.wanted.get(self.scene.view, ""):
            self._filter(event.value)

    @on(Input.Submitted, "#ask Input")
    def _close_input(self) -> None:
        ask = self._main.query_one("#ask")
        if ask.display:
            ask.display = False
            self._main.set_focus(self.listing)

    def _filter(self, wanted: str) -> None:
        self.scene.wanted[self.scene.view] = wanted
        if self.scene.view == views.HISTORY:
            self.take(Unanswered(frozenset({known.HISTORY})))
            self.inquiry.hurry(known.HISTORY[0])
        self.settle()

    @work(exclusive=True, group="more")
    async def _more_transcripts(self, cursor: str) -> None:
        """The next page of the history, behind what is there."""
        before = self.scene.picture.transcripts
        try:
            page = await transcripts(self.link, before.query, cursor)
        except CommandError:
            return  # the banner tells that the daemon is gone; the page is asked for again with the next key
        if self.scene.picture.transcripts.next_cursor == cursor:
            self.take(TranscriptsCame(replace(before, rows=(*before.rows, *page.rows), next_cursor=page.next_cursor)))
            self.settle()

    # -- orders -------------------------------------------------------------------------------------------------------

    def action_verb(self, name: str) -> None:
        """Do it with what is chosen, as far as the verb is for it; what destroys asks first."""
        verb = verbs.BY_NAME[name]
        meant = verbs.meant(verb, self.scene.picture, self.subjects())
        if not meant:
            return
        if verb.asks:
            asked = f"{name.capitalize()} {verbs.described(meant)}"
            self._ask(asked, verbs.consequences(verb, self.scene.picture, meant), lambda: self._carry_out(verb, meant))
        else:
            self._carry_out(verb, meant)

    def _carry_out(self, verb: verbs.Verb, meant: tuple[Subject, ...]) -> None:
        self.run_worker(self.orders.carry_out(verb, meant))

    def _ask(self, asked: str, told: str, then: Callable[[], object]) -> None:
        def answered(answer: str | None) -> None:
            if answer:
                then()

        self.push_screen(Question(asked, told, self.colours), answered)

    def _movable(self) -> tuple[int, ...]:
        return verbs.movable(self.scene.picture, self.subjects()) if self.scene.view == views.QUEUE else ()

    def action_shift(self, step: int) -> None:
        """One place up or down in the queue."""
        moved = self._movable()
        if moved:
            self.run_worker(self.orders.move(moved, max(verbs.place_in_class(self.scene.picture, moved[0]) + step, 1)))

    def action_move_to(self) -> None:
        moved = self._movable()
        if not moved:
            return

        def answered(place: str | None) -> None:
            if place:
                self.run_worker(self.orders.move(moved, int(place)))

        described = verbs.described(tuple(("job", number) for number in moved))
        self.push_screen(Place(described, self.colours), answered)

    def action_queue(self) -> None:
        self.run_worker(self.orders.pause_queue(not self.scene.picture.paused))

    def action_clear_finished(self) -> None:
        asked = "Remove all finished jobs from the lists"
        self._ask(asked, "Their transcripts stay in the history.", lambda: self.run_worker(self.orders.clear()))

    def say(self, message: str, hint: str | None = None, *, severe: bool = False) -> None:
        """Tell the person something, for a few seconds."""
        text = render.safe(message) + (f"\n→ {render.safe(hint)}" if hint else "")
        self.notify(text, severity="error" if severe else "information", timeout=SAID, markup=False)

    # -- reading ------------------------------------------------------------------------------------------------------

    @on(Listing.Opened)
    def action_open(self) -> None:
        """Open the row with the cursor: a text, a text that is being made, a story, a batch's items."""
        match self.listing and self.listing.cursor:
            case ("batch", int(number)):
                self.action_fold(number not in self.scene.unfolded)
            case ("transcript", int(number)):
                self._read_transcript(number, names.HISTORY_SHOW)
            case ("folder", str(folder)):
                self.say(f"these come from {folder}; a search finds each of them")
            case ("job", int(number)) if number in self.scene.picture.jobs:
                if self.scene.picture.jobs[number]["state"] == "completed":
                    self._read_transcript(number, names.JOB_TEXT)
                else:
                    self.action_info()
            case _:
                pass

    @work
    async def _read_transcript(self, number: int, method: str) -> None:
        try:
            result: Json = await self.link.call(method, {"id": number})
        except CommandError as error:
            self.say(error.message, error.hint, severe=True)
            return
        found = result["transcript"]
        job = self.scene.picture.jobs.get(number)
        title = rows.name_of(job) if job else details.title_of(result["summary"])
        self.push_screen(
            Reader(title, self.colours, lambda columns, times: details.text(found, columns, times=times), text=True)
        )

    @work
    async def action_info(self) -> None:
        """Everything about a job, and while it runs, its words as they are recognised."""
        cursor = self.listing.cursor if self.listing else None
        if cursor is None or cursor[0] != "job" or not isinstance(cursor[1], int):
            return
        number = cursor[1]
        try:
            shown: Json = await self.link.call(names.JOB_SHOW, {"id": number})
        except CommandError as error:
            self.say(error.message, error.hint, severe=True)
            return

        def lines(columns: int, _times: bool) -> list[Line]:
            picture = self.scene.picture
            now = picture.jobs.get(number, shown["job"])
            told = [*details.job(now, columns), *details.story(shown, columns)]
            return [*told, *details.words(now, picture.words, columns)]

        self.take(Followed(number))
        await self.push_screen_wait(Reader(f"job {number}", self.colours, lines, text=False))
        self.take(Followed(None))
