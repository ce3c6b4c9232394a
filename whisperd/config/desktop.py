"""The settings of what a person's desktop meets: hotkeys, and text at the cursor.

Owns: the sections `insert`, `hotkey` and `binding`, as `settings` owns the others. The client acts on them, not
the daemon.
"""

from typing import Annotated, Literal

from msgspec import Meta

from whisperd.config.section import Language, Name, OneLanguage, Section
from whisperd.jobs.asked import checked
from whisperd.jobs.job import Options

Keys = Annotated[str, Meta(pattern=r"^ *\S+( *\+ *\S+)* *$", description='keys such as "ctrl+space"')]


class InsertSettings(Section, frozen=True):
    """Text at the cursor; read by the client, for each text.

    `backends`: those that may type, in this order; without any, all in the order of the session. `newlines`: what a
    line break becomes; enter submits forms and runs commands. `paste`: the keys that paste; in terminals others do.
    """

    backends: tuple[Literal["wtype", "ydotool", "xdotool", "clipboard", "keyboard"], ...] = ()
    newlines: Literal["space", "shift+enter", "enter"] = "space"
    paste: Keys = "ctrl+v"


class HotkeySettings(Section, frozen=True):
    """The hotkey agent, which reads this when it starts. `backend`: what watches the keys. `sounds`: when it listens
    and when the text is there. `notifications`: `all` shows these too."""

    backend: Literal["auto", "portal", "x11", "evdev", "keyboard"] = "auto"
    sounds: bool = True
    notifications: Literal["all", "problems", "none"] = "problems"


class BindingSettings(Section, frozen=True):
    """A hotkey, written `[[binding]]`, one table each; without any, `ctrl+alt+space` is held.

    `keys`: modifiers and a key. `mode`: dictate while they are held, from one press to the next, cancel the dictation,
    or deliver the last text again. `output`: where texts go; typed by default. `language`, `languages` (those that may
    be found), `model`, `prompt`, `hotwords`, `device` (the microphone) and `private` (nothing is kept) are those of its
    dictations.
    """

    keys: Keys
    mode: Literal["hold", "toggle", "cancel", "again"] = "hold"
    output: Literal["type", "clipboard", "stdout", "none"] | None = None
    language: Language | None = None
    languages: tuple[OneLanguage, ...] = ()
    model: Name | None = None
    prompt: str | None = None
    hotwords: str | None = None
    device: Name | None = None
    private: bool = False

    def __post_init__(self) -> None:
        options = Options(model=self.model, language=self.language, languages=self.languages)
        checked(options)
