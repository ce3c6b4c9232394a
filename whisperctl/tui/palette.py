"""The colours of the live view: for a dark and for a bright terminal, and with the terminal's own.

Owns: what each style's name looks like on each ground. Leaves to others: which palette is used
(`whisperctl.tui.background`).
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

BASE, CURSOR, CHOSEN, CURSOR_CHOSEN, PANEL, BAR = "base", "cursor", "chosen", "cursor-chosen", "panel", "bar"
"""Grounds: of the list, of its row with the cursor, of rows that were chosen, of panels, of title and footer."""


@dataclass(frozen=True, eq=False)
class Palette:
    """Colours as `#rrggbb`, or names of the terminal's own where `terminal`; then the cursor's row is reversed."""

    name: str
    dark: bool
    grounds: dict[str, str]
    text: str
    dim: str
    track: str
    accent: str
    red: str
    green: str
    yellow: str
    cyan: str
    terminal: bool = False

    @lru_cache(maxsize=512)  # noqa: B019 (there are three palettes, for ever)
    def rich(self, style: str, ground: str) -> Style:
        """A style by the words of its name, such as `red bold`, on a ground."""
        words = set(style.split())
        named = {
            "red": self.red, "green": self.green, "yellow": self.yellow, "cyan": self.cyan, "dim": self.dim,
            "accent": self.accent, "track": self.track, "key": self.accent, "heading": self.accent,
            "count": self.dim, "match": self.yellow, "tab": self.dim,
        }  # fmt: skip
        colour = next((named[word] for word in style.split() if word in named), self.text)
        behind = self.grounds[ground]
        bold = bool(words & {"bold", "key", "heading", "match", "badge"})
        if "badge" in words or "banner" in words:
            colour, behind = self.grounds[BASE], self.accent if "badge" in words else self.red
        elif "tab-active" in words:
            behind = self.grounds[CURSOR]
            colour = self.text if colour == self.dim else colour
        if self.terminal:
            return self._of_terminal(words, colour, bold, ground)
        return Style(color=colour, bgcolor=behind, bold=bold, underline="match" in words)

    def _of_terminal(self, words: set[str], colour: str, bold: bool, ground: str) -> Style:
        """With the terminal's own colours on its own ground: what stands out is reversed."""
        out = bool(words & {"badge", "banner", "tab-active"}) or ground in (CURSOR, CURSOR_CHOSEN)
        faint = not out and bool(words & {"dim", "track", "tab", "count"})
        shown = (
            "red" if "banner" in words else "default" if colour in (self.dim, self.track, self.text) or out else colour
        )
        return Style(
            color=shown,
            bgcolor="default",
            bold=bold or ground == CHOSEN,
            dim=faint,
            reverse=out,
            underline="match" in words,
        )

    def theme(self) -> Theme:
        """For Textual's own widgets: input, scroll bar, toasts."""
        if self.terminal:
            return replace(BUILTIN_THEMES["ansi-dark"], name=self.name)
        base = self.grounds[BASE]
        return Theme(
            name=self.name, dark=self.dark, primary=self.accent, secondary=self.cyan, warning=self.yellow,
            error=self.red, success=self.green, accent=self.accent, foreground=self.text, background=base,
            surface=self.grounds[PANEL], panel=self.grounds[BAR],
            variables={
                "scrollbar": self.track, "scrollbar-hover": self.dim, "scrollbar-active": self.accent,
                "scrollbar-background": base, "scrollbar-background-hover": base, "scrollbar-background-active": base,
                "scrollbar-corner-color": base, "input-selection-background": self.grounds[CHOSEN],
            },
        )  # fmt: skip


DARK = Palette(
    name="whisperd-dark",
    dark=True,
    grounds={BASE: "#12141c", CURSOR: "#2a3147", CHOSEN: "#232a24", CURSOR_CHOSEN: "#34423c", PANEL: "#171a24",
             BAR: "#1c202c"},
    text="#d4d9e8",
    dim="#858da6",
    track="#3a4058",
    accent="#8aadf4",
    red="#f28b94",
    green="#8fd0a0",
    yellow="#e6c07b",
    cyan="#6cc7dc",
)  # fmt: skip
BRIGHT = Palette(
    name="whisperd-bright",
    dark=False,
    grounds={BASE: "#fcfcfd", CURSOR: "#dbe4f7", CHOSEN: "#e4f1e3", CURSOR_CHOSEN: "#c9e0d4", PANEL: "#f4f5f9",
             BAR: "#eceef4"},
    text="#262b3d",
    dim="#646c84",
    track="#c3c9d8",
    accent="#2a5cc4",
    red="#b3263a",
    green="#23743a",
    yellow="#8a5a00",
    cyan="#0a6c82",
)  # fmt: skip
TERMINAL = Palette(
    name="whisperd-terminal",
    dark=True,
    grounds=dict.fromkeys((BASE, CURSOR, CHOSEN, CURSOR_CHOSEN, PANEL, BAR), "default"),
    text="default",
    dim="bright_black",
    track="bright_black",
    accent="blue",
    red="red",
    green="green",
    yellow="yellow",
    cyan="cyan",
    terminal=True,
)
PALETTES = {"dark": DARK, "bright": BRIGHT, "terminal": TERMINAL}
