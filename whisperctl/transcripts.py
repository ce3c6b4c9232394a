"""Transcripts of the history as lines for people.

Owns: pure functions from what `history.*` answers to text. Leaves to others: asking (`whisperctl.commands.history`) and
breaking lines (`whisperctl.terminal`).
"""

from whisperctl import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Folder, Match, Paint, Summary

_NAME_COLUMNS = 24
SNIPPET_INDENT = 6
_UNSURE = 0.5
"""A confidence below which a transcript deserves a look."""


def transcript_table(transcripts: "list[Summary]", paint: "Paint", columns: int) -> "list[str]":
    """The lines of `history list`."""
    rows = [
        [
            (str(one["id"]), ""),
            (render.local_time(one["at"])[:-3], "dim"),
            (render.safe(one["source"]), ""),
            (render.clock(one["duration"]), ""),
            (render.percent(one["confidence"]), "yellow" if one["confidence"] < _UNSURE else ""),
            (render.fit_name(_name(one), _NAME_COLUMNS), ""),
            (("* " if one["edited"] else "") + render.safe(one["beginning"]), ""),
        ]
        for one in transcripts
    ]
    header = ["id", "finished", "source", "length", "conf", "name", "text"]
    return render.table(header, rows, columns, paint, "><<>><<")


def folder_line(folder: "Folder", paint: "Paint") -> str:
    """What a folder of watched files holds."""
    count = render.counted(folder["transcripts"], "transcript")
    facts = f"{count}, {render.clock(folder['duration'])}, newest {render.local_time(folder['at'])[:-3]}"
    return f"{paint('cyan', render.safe(folder['folder']))}  {paint('dim', facts)}"


def _name(one: "Summary") -> str:
    """What a transcript is called: its file, which of a dictation says nothing."""
    return "" if one["source"] == "dictation" else render.base_name(one["path"])


def match_lines(match: "Match", paint: "Paint") -> "tuple[str, str]":
    """Which transcript, and the words in their surroundings."""
    one = match["transcript"]
    facts = f"{render.local_time(one['at'])[:-3]}  {render.safe(one['source'])}"
    heading = f"{paint('bold', str(one['id']))}  {paint('dim', facts)}  {_name(one)}".rstrip()
    parts = [
        paint("yellow", render.safe(part["text"])) if part["match"] else render.safe(part["text"])
        for part in match["snippet"]
    ]
    return heading, " " * SNIPPET_INDENT + "".join(parts).strip()


def facts(one: "Summary", paint: "Paint") -> "list[str]":
    """What is known of one, a fact a line."""
    told = {
        "file": render.safe(one["path"]),
        "source": render.safe(one["source"]),
        "batch": render.safe(one["batch_name"] or ""),
        "finished": render.local_time(one["at"]),
        "audio": render.clock(one["duration"]),
        "language": render.safe(one["language"] or ""),
        "model": render.safe(f"{one['model']} on {one['device']}"),
        "confidence": render.percent(one["confidence"]),
        "edited": "yes; --original shows what it was" if one["edited"] else "",
        "partial": "some of the audio could not be read" if one["partial"] else "",
    }
    title = paint("bold", f"Transcript {one['id']}")
    return [title, *(f"  {paint('dim', render.pad(label, 12))}{value}" for label, value in told.items() if value)]
