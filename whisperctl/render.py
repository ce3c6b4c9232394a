"""Values as text for people: safe names, widths, durations, sizes, bars, tables.

Owns: pure functions from values to text. Leaves to others: what a terminal can do (`whisperctl.terminal`) and which
facts of a job go where (`whisperctl.progress`, the commands). Widths are terminal columns, times seconds.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Paint

_KEPT = "\u00a0\u202f\u3000\u200c\u200d"
"""Not `isprintable()`, and harmless: the fixed spaces of French and Japanese, and the joiners that scripts need."""


def safe(text: str) -> str:
    """`text` on one line with nothing in it that acts on a terminal: controls, escapes, bidirectional overrides."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in _KEPT else _escaped(char) for char in text)


def safe_lines(text: str) -> str:
    """Like `safe`, for texts of several lines: line ends and tabs are kept."""
    return "\n".join("\t".join(safe(part) for part in line.split("\t")) for line in text.split("\n"))


def safe_json(text: str) -> str:
    """A JSON text with what `safe` would change in JSON's own escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in _KEPT else _in_json(char) for char in text)


def _in_json(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # how Python holds a byte of a name that is not UTF-8
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


def width(text: str) -> int:
    """Columns that `text` takes: East Asian wide characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def shown_width(line: str) -> int:
    """Columns of a line that may be painted."""
    first, *rest = line.split("\x1b[")
    return width(first) + sum(width(part.partition("m")[2]) for part in rest)


def wrap(line: str, columns: int, hang: int = 0) -> "list[str]":
    """A line, which may be painted, broken at spaces; what follows is indented by `hang` columns.

    A word that no line has room for, such as a path, stays whole where it is, so that it can be copied.
    """
    if shown_width(line) <= columns:
        return [line]
    hang = hang if hang <= columns // 2 else 4
    lines: list[str] = []
    current, taken = "", 0
    for number, word in enumerate(line.split(" ")):
        room = shown_width(word)
        if current.strip() and taken + 1 + room > columns and (hang + room <= columns or taken >= columns):
            lines.append(current.rstrip())
            current, taken = " " * hang + word, hang + room
        else:
            current += f" {word}" if number else word
            taken += room + (number > 0)
    return [*lines, current]


def _columns(char: str) -> int:
    import unicodedata

    if unicodedata.combining(char) or char in "\u200c\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, columns: int, tail: int = 0) -> str:
    """`text` in at most `columns`, shortened by `…` before its last `tail` characters."""
    if width(text) <= columns:
        return text
    if columns <= 0:
        return ""
    ending = text[len(text) - tail :] if tail > 0 and width(text[len(text) - tail :]) < columns // 2 else ""
    room = columns - 1 - width(ending)
    kept = ""
    for char in text:
        room -= _columns(char)
        if room < 0:
            break
        kept += char
    return kept + "…" + ending


def fit_name(name: str, columns: int) -> str:
    """A file name in at most `columns`, its end (where take and suffix are) kept."""
    return fit(name, columns, tail=8)


def pad(text: str, columns: int, right: bool = False) -> str:
    """`text` with spaces to `columns`; `right` aligns it there."""
    spaces = " " * (columns - width(text))
    return spaces + text if right else text + spaces


def base_name(path: str) -> str:
    """The last part of a path, safe to print."""
    return safe(path.rstrip("/").rpartition("/")[2] or path)


def duration(seconds: float) -> str:
    """`0.4 s`, `45 s`, `2 m 40 s`, `3 h 12 m`, `2 d 3 h`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} m {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60:02} m"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"


def clock(seconds: float) -> str:
    """A position in audio or a time left: `0:07`, `2:40`, `1:05:00`."""
    whole = max(int(seconds), 0)
    if whole < 3_600:
        return f"{whole // 60}:{whole % 60:02}"
    return f"{whole // 3_600}:{whole % 3_600 // 60:02}:{whole % 60:02}"


def size(count: int) -> str:
    """Bytes in decimal units: `512 B`, `1.5 kB`, `41 MB`."""
    if count < 1_000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1_000
        if value < 999.5 or unit == "TB":
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError


def percent(fraction: float) -> str:
    """Whole percent, rounded down: 100 % means done."""
    return f"{int(min(max(fraction, 0.0), 1.0) * 100 + 1e-9)}%"


def speed(factor: float) -> str:
    """How many times real time: `0.8×`, `12×`."""
    return f"{factor:.1f}×" if factor < 10 else f"{factor:.0f}×"


def bar(fraction: float, columns: int, blocks: bool = True) -> str:
    """A bar of exactly `columns`; `blocks` draws with eighths of a block, else with `#` and `.`."""
    fraction = min(max(fraction, 0.0), 1.0)
    if not blocks:
        full = int(fraction * columns + 1e-9)
        return "#" * full + "." * (columns - full)
    eighths = int(fraction * columns * 8 + 1e-9)
    full, part = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")).ljust(columns, "░")


def counted(number: int, noun: str) -> str:
    """`1 job`, `3 jobs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def id_ranges(ids: "list[int]") -> str:
    """`3-5 9` of 3, 4, 5, 9: as commands take them."""
    parts: list[str] = []
    start = previous = ids[0] if ids else 0
    for number in [*ids[1:], -1]:
        if number == previous + 1:
            previous = number
            continue
        parts.append(str(start) if start == previous else f"{start}-{previous}")
        start = previous = number
    return " ".join(parts) if ids else ""


def table(
    header: "list[str]", rows: "list[list[tuple[str, str]]]", columns: int, paint: "Paint", right: str = ""
) -> "list[str]":
    """Lines of a table of (text, style) cells whose last column is fitted into `columns`.

    `right` is a string of `>` and `<`, one a column, that says which ones are aligned to the right.
    """
    widths = [max(width(row[i][0]) for row in [[(title, "") for title in header], *rows]) for i in range(len(header))]
    widths[-1] = min(widths[-1], max(columns - sum(widths[:-1]) - 2 * (len(widths) - 1), 10))
    lines: list[str] = []
    for row in [[(title, "dim") for title in header], *rows]:
        cells = [
            paint(style, pad(fit_name(text, widths[i]), widths[i], right[i : i + 1] == ">"))
            for i, (text, style) in enumerate(row)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def local_time(moment: str, date: bool = True) -> str:
    """An ISO 8601 UTC time of the wire as local time; what is not one is shown as it came."""
    from datetime import datetime

    try:
        local = datetime.fromisoformat(moment).astimezone()
    except ValueError:
        return safe(moment)
    return local.strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S")
