"""Drop folders: `watch list|add|set|remove|rescan`."""

from whisperctl import files, render
from whisperctl.arguments import add_yes, listed, speech_arguments
from whisperctl.errors import RequestFailedError, UsageError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from whisperctl.context import Context
    from whisperctl.shapes import Json, Paint, Params, WatchedFile, WatchedFolder

_STATE_STYLES = {"watching": "green", "polling": "green", "starting": "", "disabled": "dim"}
_FILE_STYLES = {"done": "green", "failed": "red", "gone": "yellow", "skipped": "dim", "left": "dim", "cancelled": "dim"}
_COUNTS = ("found", "settling", "queued", "done", "skipped", "failed", "cancelled", "gone", "left")
_ALWAYS = ("found", "queued", "done")
"""Counts that are told even when they are zero."""
_OPTIONS = ("language", "multilingual", "chinese", "model", "task", "prompt", "hotwords", "words")
_RULES = ("settle", "min_duration", "max_duration", "recordings", "afterwards", "delete_after", "notice")
"""Options and rules that are called the same on the wire."""
_SCAN_TIMEOUT = 600.0
"""Seconds for a look at every file of every folder."""


def list_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("folder", nargs="?", metavar="ID|DIR", help="this one, with its files")
    parser.add_argument("--state", metavar="S,…", help="only files in these states, such as failed,skipped")
    parser.add_argument("--limit", type=int, metavar="N", help=f"at most so many files ({names.DEFAULT_PAGE})")
    parser.add_argument("--cursor", metavar="C", help="go on where the page that named it ended")


def list_(context: "Context", arguments: "Namespace") -> int:
    """The watched folders, or the files of one."""
    params: Params = {}
    if arguments.folder is not None:
        params["id"] = _find(context, arguments.folder)["id"]
    elif arguments.state or arguments.cursor:
        raise UsageError("--state and --cursor are for the files of one folder", "name the folder")
    if arguments.state:
        params["states"] = arguments.state.split(",")
    if arguments.limit is not None:
        params["limit"] = arguments.limit
    if arguments.cursor:
        params["cursor"] = arguments.cursor
    result = context.call(names.WATCH_LIST, params)
    output = context.output
    if output.json_only:
        output.value(result)
        return names.EXIT_OK
    for folder in result["folders"]:
        output.lines(folder_lines(folder, output.out.paint), hang=4)
    if not result["folders"]:
        output.note("no folder is watched; `whisperctl watch add DIR` does so")
    found: list[WatchedFile] = result["files"] or []
    for file in found:
        output.line(file_line(file, output.out.paint), hang=4)
    if result["next_cursor"]:
        output.note(f"there are more: --cursor {render.safe(result['next_cursor'])}")
    return names.EXIT_OK


def folder_lines(folder: "WatchedFolder", paint: "Paint") -> "list[str]":
    """A folder's state, its counts, and what happened last."""
    state = paint(_STATE_STYLES.get(folder["state"], "red"), render.safe(folder["state"]))
    reason = f" ({render.safe(folder['reason'])})" if folder["reason"] else ""
    lines = [f"{folder['id']:>3}  {paint('bold', render.safe(folder['path']))}  {state}{reason}"]
    counts = folder["counts"]
    told = [f"{counts[name]:,} {name}" for name in _COUNTS if counts[name] or name in _ALWAYS]
    lines.append("     " + ", ".join(told))
    if folder["last_found"]:
        when = render.local_time(folder["last_found_at"] or "")
        lines.append(paint("dim", f"     last: {render.base_name(folder['last_found'])}, {when}"))
    if folder["last_error"]:
        lines.append("     " + paint("yellow", render.safe(folder["last_error"])))
    return lines


def file_line(file: "WatchedFile", paint: "Paint") -> str:
    state = paint(_FILE_STYLES.get(file["state"], ""), render.pad(render.safe(file["state"]), 9))
    job = f"  job {file['job']}" if file["job"] else ""
    reason = f"  {render.safe(file['reason'])}" if file["reason"] else ""
    return f"     {state}  {render.safe(file['path'])}{paint('dim', job)}{reason}"


def add_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("folder", metavar="DIR", help="it need not exist yet")
    parser.add_argument("--new-only", action="store_true", help="take nothing that is there by now")
    _rule_arguments(parser)


def add(context: "Context", arguments: "Namespace") -> int:
    """Watch a folder: audio that lands there is transcribed."""
    params: Params = {**_path_param(files.absolute(arguments.folder)), "rules": _rules(arguments, {})}
    if arguments.new_only:
        params["new_only"] = True
    return _told(context, context.connect().call(names.WATCH_ADD, params, timeout=_SCAN_TIMEOUT))


def set_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("folder", metavar="ID|DIR")
    _rule_arguments(parser)


def set_(context: "Context", arguments: "Namespace") -> int:
    """Change a folder's rules; those that are not named stay. What is known of its files stays too."""
    folder = _find(context, arguments.folder)
    params: Params = {"id": folder["id"], "rules": _rules(arguments, folder["rules"])}
    return _told(context, context.call(names.WATCH_SET, params))


def remove_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("folder", metavar="ID|DIR")
    add_yes(parser)


def remove(context: "Context", arguments: "Namespace") -> int:
    """Watch a folder no longer, and forget what is known of its files; jobs and transcripts stay."""
    folder = _find(context, arguments.folder)
    if not arguments.yes:
        from whisperctl import consent

        consent.obtain(context.output, f"forget {render.safe(folder['path'])} and what is known of its files")
    result = context.call(names.WATCH_REMOVE, {"id": folder["id"]})
    context.output.result(result, f"{render.safe(folder['path'])} is watched no longer; its jobs and transcripts stay")
    return names.EXIT_OK


def rescan_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("folder", nargs="?", metavar="ID|DIR", help="only this one")
    parser.add_argument("--again", action="store_true", help="also what failed, was cancelled or lost its transcript")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def rescan(context: "Context", arguments: "Namespace") -> int:
    """Look at every file now."""
    params: Params = {name: True for name in ("again", "dry_run") if getattr(arguments, name)}
    if arguments.folder is not None:
        params["id"] = _find(context, arguments.folder)["id"]
    result = context.connect().call(names.WATCH_RESCAN, params, timeout=_SCAN_TIMEOUT)
    output = context.output
    if output.json_only:
        output.value(result)
        return names.EXIT_OK
    if not arguments.dry_run:
        output.line(f"{render.counted(result['found'], 'file')} to be looked into")
        return names.EXIT_OK
    for one in result["planned"]:
        reason = f"  {render.safe(one['reason'])}" if one["reason"] else ""
        output.line(f"{render.pad(one['decision'], 6)}  {render.safe(one['path'])}{reason}", hang=4)
    unnamed = result["found"] - len(result["planned"])
    if unnamed:
        output.note(f"and {unnamed:,} more")
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(result["decisions"].items()))
    output.note(counts or "there is nothing to do")
    return names.EXIT_OK


# -- shared -----------------------------------------------------------------------------------------------------------


def _rule_arguments(parser: "ArgumentParser") -> None:
    add = parser.add_argument
    speech_arguments(parser)
    add("--model", metavar="NAME", help="a model's name or folder; chosen by default")
    add("--task", choices=("transcribe", "translate"), help="translate: into English")
    add("--prompt", metavar="TEXT", help="text that sets style and vocabulary")
    add("--hotwords", metavar="WORDS", help="words to expect")
    add("--words", action="store_true", default=None, help="times of words")
    add("--format", metavar="F,…", help="files to write: txt, srt, vtt, json, tsv (txt)")
    add("--output-dir", metavar="DIR", help="write them into a tree there that mirrors the folder's")
    add("--pattern", metavar="P,…", help="shell patterns of names; the usual audio suffixes by default")
    add("--ignore", metavar="P,…", help="patterns of names, or with a slash of paths inside, that are not taken")
    add("--recordings", choices=("all", "own", "imported"), help="own: only *-voice-note names; imported: all others")
    add("--settle", type=float, metavar="S", help="seconds without a change after which a file is finished (2)")
    add("--min-duration", type=float, metavar="S", help="skip shorter audio")
    add("--max-duration", type=float, metavar="S", help="skip longer audio")
    add("--afterwards", choices=("keep", "move", "delete"), help="what becomes of the audio (keep)")
    add("--move-to", metavar="DIR", help="the tree that it is moved into")
    add("--delete-after", type=float, metavar="DAYS", help="days until it is deleted (30)")
    add("--notice", choices=("auto", "events", "polling"), help="how new files are noticed")
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument("--recursive", action="store_const", const=True, help="folders inside too (by default)")
    depth.add_argument("--flat", dest="recursive", action="store_const", const=False, help="no folders inside")
    switch = parser.add_mutually_exclusive_group()
    switch.add_argument("--enable", dest="enabled", action="store_const", const=True, help="watch it")
    switch.add_argument("--disable", dest="enabled", action="store_const", const=False, help="don't, for now")


def _rules(arguments: "Namespace", known: "Params") -> "Params":
    """The rules that are known, with those that were named in their place."""
    named: Params = {name: value for name in _RULES if (value := getattr(arguments, name)) is not None}
    named |= {name: value for name in ("recursive", "enabled") if (value := getattr(arguments, name)) is not None}
    if arguments.pattern is not None:
        named["patterns"] = listed(arguments.pattern)
    if arguments.ignore is not None:
        named["ignore"] = listed(arguments.ignore)
    if arguments.move_to is not None:
        named["move_to"] = files.of_person(arguments.move_to)
    options: Params = {name: value for name in _OPTIONS if (value := getattr(arguments, name)) is not None}
    if arguments.model is not None:
        options["model"] = files.model_param(arguments.model)
    if arguments.languages is not None:
        options["languages"] = listed(arguments.languages)
    if arguments.format is not None:
        options["formats"] = listed(arguments.format)
    if arguments.output_dir is not None:
        options["output_dir"] = files.of_person(arguments.output_dir)
    return {**known, **named, "options": {**known.get("options", {}), **options}}


def _path_param(path: bytes) -> "Params":
    try:
        return {"path": path.decode()}
    except UnicodeDecodeError:
        import binascii

        return {"path_b64": binascii.b2a_base64(path, newline=False).decode("ascii")}


def _find(context: "Context", named: str) -> "WatchedFolder":
    """The watched folder that a number or a path names."""
    folders: list[WatchedFolder] = context.call(names.WATCH_LIST)["folders"]
    if named.isdecimal():
        found = [folder for folder in folders if folder["id"] == int(named)]
    else:
        path = _path_param(files.absolute(named))
        found = [folder for folder in folders if path.items() <= folder.items()]
    if not found:
        message = f"{render.safe(named)} is not a watched folder"
        raise RequestFailedError(names.NOT_FOUND, "not_found", message, "`whisperctl watch list` shows them")
    return found[0]


def _told(context: "Context", result: "Json") -> int:
    output = context.output
    if output.json_only:
        output.value(result)
    output.lines(folder_lines(result["folder"], output.out.paint), hang=4)
    return names.EXIT_OK
