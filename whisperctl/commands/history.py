"""Finished transcripts: `history list|search|show|edit|delete|export`."""

import os
import sys

from whisperctl import render, transcripts
from whisperctl.arguments import add_yes
from whisperctl.errors import CommandError, UsageError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from whisperctl.client import Client
    from whisperctl.context import Context
    from whisperctl.shapes import (
        Document,
        HistoryAnswer,
        HistoryExport,
        HistoryList,
        HistorySearch,
        HistoryShow,
        Params,
    )

_FORMATS = ("txt", "srt", "vtt", "json", "tsv")


# -- finding ----------------------------------------------------------------------------------------------------------


def list_arguments(parser: "ArgumentParser") -> None:
    _filter_arguments(parser)
    parser.add_argument("--unfold", action="store_true", help="watched files one by one, not a line a folder")
    _page_arguments(parser, names.DEFAULT_PAGE)


def list_(context: "Context", arguments: "Namespace") -> int:
    """A page of transcripts, newest first; watched files as one line a folder."""
    params = {"filter": _filter(arguments), **_page(arguments)}
    if arguments.unfold:
        params["unfold"] = True
    result: HistoryList = context.call(names.HISTORY_LIST, params)
    output = context.output
    if output.json_only:
        output.value(result)
        return names.EXIT_OK
    if not (result["transcripts"] or result["folders"]):
        output.note("no transcripts")
    output.lines([transcripts.folder_line(folder, output.out.paint) for folder in result["folders"]])
    if result["transcripts"]:
        output.lines(transcripts.transcript_table(result["transcripts"], output.out.paint, output.out.size()[0]))
    _tell_of_more(context, result["next_cursor"])
    return names.EXIT_OK


def search_arguments(parser: "ArgumentParser") -> None:
    parser.description = (
        "Find transcripts in which all words occur; a word of three letters or more also stands for longer ones, and "
        'a quoted "phrase" for just these words in a row. Best first among the newest matches.'
    )
    parser.add_argument("words", nargs="+", metavar="WORD", help="what to look for, in any script")
    _filter_arguments(parser)
    _page_arguments(parser, 20)


def search(context: "Context", arguments: "Namespace") -> int:
    """Transcripts with these words, and where the words are; 1 when there is none."""
    query = " ".join(f'"{word}"' if " " in word and '"' not in word else word for word in arguments.words)
    params: Params = {"query": query, "filter": _filter(arguments), **_page(arguments)}
    result: HistorySearch = context.call(names.HISTORY_SEARCH, params)
    output = context.output
    if output.json_only:
        output.value(result)
    for match in result["matches"]:
        heading, snippet = transcripts.match_lines(match, output.out.paint)
        output.line(heading)
        output.line(snippet, transcripts.SNIPPET_INDENT)
    if not result["matches"]:
        output.note("nothing was found")
    if not output.json_only:
        _tell_of_more(context, result["next_cursor"])
    return names.EXIT_OK if result["matches"] else names.EXIT_FAILED


# -- one transcript ---------------------------------------------------------------------------------------------------


def show_arguments(parser: "ArgumentParser") -> None:
    _id_argument(parser)
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--format", metavar="F", choices=_FORMATS, help=f"as a file: {', '.join(_FORMATS)}")
    shown.add_argument("--original", action="store_true", help="the text as it was before it was edited")


def show(context: "Context", arguments: "Namespace") -> int:
    """One transcript: what is known of it and its text, or the content of a file of it."""
    output = context.output
    result = _shown(context.connect(), arguments.id, arguments.format)
    if output.json_only:
        output.value(result)
    elif arguments.format:
        output.text(result["rendered"] or "", wrapped=False)
    elif arguments.original:
        output.text(result["original"] if result["original"] is not None else str(result["transcript"]["text"]))
    else:
        output.lines(transcripts.facts(result["summary"], output.out.paint))
        output.line()
        output.text(str(result["transcript"]["text"]))
    return names.EXIT_OK


def edit_arguments(parser: "ArgumentParser") -> None:
    parser.description = "Correct a text in $VISUAL or $EDITOR, or give it with --text. The original is kept."
    _id_argument(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--text", metavar="TEXT", help="the new text; - reads it from standard input")
    how.add_argument("--original", action="store_true", help="bring back the text as it was decoded")


def edit(context: "Context", arguments: "Namespace") -> int:
    """Give a transcript another text."""
    client = context.connect()
    if arguments.original:
        text = None
    elif arguments.text is not None:
        text = sys.stdin.read().rstrip("\n") if arguments.text == "-" else arguments.text
    else:
        before = str(_shown(client, arguments.id)["transcript"]["text"])
        text = _edited(before)
        if text == before:
            context.output.note("nothing was changed")
            return names.EXIT_OK
        client = context.connect()  # the editor may have been open for longer than the daemon lived
    result = client.call(names.HISTORY_EDIT, {"id": arguments.id, "text": text})
    done = "has its new text; the original is kept" if result["transcript"]["edited"] else "has its original text"
    context.output.result(result, f"transcript {arguments.id} {done}")
    return names.EXIT_OK


def _edited(text: str) -> str:
    """What the person makes of the text in an editor. Raises `CommandError` when that can't be started, or fails."""
    import shlex
    import subprocess
    import tempfile

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal for an editor", "give the text with --text")
    with tempfile.NamedTemporaryFile("w+", suffix=".txt", prefix="transcript-", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        try:
            status = subprocess.run([*shlex.split(editor), file.name], check=False).returncode
        except (OSError, ValueError) as error:
            raise CommandError(f"the editor {editor!r} can't be started: {error}", "set EDITOR") from None
        if status:
            raise CommandError(f"the editor ended with status {status}; nothing was changed")
        with open(file.name, encoding="utf-8") as written:  # anew: editors replace files
            return written.read().removesuffix("\n")


def delete_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("ids", nargs="+", metavar="ID", help="a transcript's number, or a range such as 3-5")
    add_yes(parser)


def delete(context: "Context", arguments: "Namespace") -> int:
    """Remove transcripts for good. Asks."""
    from whisperctl import consent, selection

    output = context.output
    ids = selection.job_ids(arguments.ids)
    if not arguments.yes:
        consent.obtain(output, f"delete {render.counted(len(ids), 'transcript')} for good")
    client = context.connect()
    given: list[HistoryAnswer] = []
    for start in range(0, len(ids), names.MAX_PAGE):
        page = {"ids": ids[start : start + names.MAX_PAGE]}
        given += client.call(names.HISTORY_DELETE, page, timeout=None)["transcripts"]
    refused = [answer for answer in given if not answer["ok"]]
    if output.json_only:
        output.value({"transcripts": given})
    else:
        output.line(f"deleted {render.counted(len(given) - len(refused), 'transcript')}")
        for error in (answer["error"] for answer in refused):
            output.complain(error["message"] or error["kind"], error["hint"]) if error else None
    if not refused:
        return names.EXIT_OK
    missing = all(answer["error"] and answer["error"]["kind"] == "not_found" for answer in refused)
    return names.EXIT_NOT_FOUND if missing else names.EXIT_REFUSED


# -- export -----------------------------------------------------------------------------------------------------------


def export_arguments(parser: "ArgumentParser") -> None:
    parser.description = (
        "Write transcripts to files, oldest first: all, those with these numbers, or those that a filter lets "
        "through. No file that is there is written over."
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="a transcript's number, or a range such as 3-5")
    parser.add_argument("--output-dir", metavar="DIR", help="one file each, in this folder")
    parser.add_argument("--format", metavar="F,…", default="txt", help=f"of these files: {', '.join(_FORMATS)} (txt)")
    parser.add_argument("--json-lines", metavar="FILE", help="one file with a JSON value a line; - is standard output")
    _filter_arguments(parser)


def export(context: "Context", arguments: "Namespace") -> int:
    """Transcripts as files."""
    from whisperctl import exporting, files, selection

    params: Params = {"filter": _filter(arguments)}
    if arguments.ids:
        params = {"ids": selection.job_ids(arguments.ids)}
        if len(params["ids"]) > names.MAX_PAGE:
            raise UsageError(f"at most {names.MAX_PAGE:,} numbers can be given at once", "use a filter")
    if bool(arguments.output_dir) == bool(arguments.json_lines):
        raise UsageError("where to?", "give either --output-dir DIR or --json-lines FILE")
    client = context.connect()
    if arguments.json_lines:
        return _export_lines(context, client, params, arguments.json_lines)
    forms = [form.strip() for form in arguments.format.split(",") if form.strip()]
    if unknown := [form for form in forms if form not in _FORMATS]:
        raise UsageError(f"there is no format {unknown[0]!r}", f"formats are {', '.join(_FORMATS)}")
    folder = files.of_person(arguments.output_dir)
    os.makedirs(folder, exist_ok=True)
    written = [
        {"id": document["id"], "path": exporting.write(folder, _file_name(document), f".{form}", document["content"])}
        for form in forms
        for document in _documents(client, {**params, "format": form})
    ]
    context.output.result({"files": written}, f"{render.counted(len(written), 'file')} in {render.safe(folder)}")
    return names.EXIT_OK


def _export_lines(context: "Context", client: "Client", params: "Params", path: str) -> int:
    from whisperctl import exporting

    lines = (document["content"] + "\n" for document in _documents(client, params))
    if path == "-":
        for line in lines:
            context.output.out.write(line)
        return names.EXIT_OK
    exporting.write_new(path, lines)
    context.output.result({"files": [{"path": os.path.abspath(path)}]}, f"the transcripts are in {render.safe(path)}")
    return names.EXIT_OK


def _documents(client: "Client", params: "Params") -> "Iterator[Document]":
    cursor: str | None = None
    while True:
        page: HistoryExport = client.call(names.HISTORY_EXPORT, {**params, "cursor": cursor}, timeout=None)
        yield from page["documents"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _file_name(document: "Document") -> bytes:
    from binascii import a2b_base64

    encoded = document["name_b64"]
    return a2b_base64(encoded) if encoded else document["name"].encode()


# -- shared -----------------------------------------------------------------------------------------------------------


def _shown(client: "Client", number: int, form: str | None = None) -> "HistoryShow":
    return client.call(names.HISTORY_SHOW, {"id": number, **({"format": form} if form else {})})


def _id_argument(parser: "ArgumentParser") -> None:
    parser.add_argument("id", type=int, metavar="ID", help="a transcript's number, which is that of its job")


def _page_arguments(parser: "ArgumentParser", default: int) -> None:
    parser.add_argument("--limit", type=int, metavar="N", help=f"at most so many ({default})")
    parser.add_argument("--cursor", metavar="C", help="go on where the page that named it ended")


def _filter_arguments(parser: "ArgumentParser") -> None:
    add = parser.add_argument
    add("--source", metavar="S,…", help="only of these: dictation, file, batch, watch")
    add("--since", metavar="WHEN", help="finished then or later: a date, a date and time, or 90m, 12h, 7d ago")
    add("--until", metavar="WHEN", help="finished before that, or on that day")
    add("--language", metavar="CODE", help="only in this language, such as en")
    add("--batch", metavar="NAME", help="only of this batch, by name or number")
    add("--confidence-below", type=float, metavar="X", help="only where whisperd is less sure than this (0 to 1)")
    add("--folder", metavar="DIR", help="only watched files of this folder")


def _filter(arguments: "Namespace") -> "Params":
    """The wire's filter for what the person asked."""
    from whisperctl import files, moments

    wanted: Params = {}
    if arguments.source:
        wanted["sources"] = [source.strip() for source in arguments.source.split(",")]
    if arguments.since:
        wanted["since"] = moments.since(arguments.since)
    if arguments.until:
        wanted["until"] = moments.until(arguments.until)
    if arguments.language:
        wanted["language"] = arguments.language
    if arguments.batch:
        wanted["batch"] = int(arguments.batch) if arguments.batch.isdecimal() else arguments.batch
    if arguments.confidence_below is not None:
        wanted["confidence_below"] = arguments.confidence_below
    if arguments.folder:
        param = files.file_param(files.absolute(arguments.folder), "")
        wanted |= {name.replace("path", "folder"): value for name, value in param.items() if name != "key"}
    return wanted


def _page(arguments: "Namespace") -> "Params":
    given = {"limit": arguments.limit, "cursor": arguments.cursor}
    return {name: value for name, value in given.items() if value is not None}


def _tell_of_more(context: "Context", cursor: str | None) -> None:
    if cursor:
        context.output.note(f"there are more: --cursor {render.safe(cursor)}")
