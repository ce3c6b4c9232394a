"""whisperd under systemd: `service install|uninstall|status`."""

from whisperctl import render, units
from whisperctl.errors import CommandError, NoDaemonError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from pathlib import Path

    from whisperctl.context import Context
    from whisperctl.shapes import Json

_LATER = "systemctl --user daemon-reload && systemctl --user enable --now whisperd.socket"


def install_arguments(parser: "ArgumentParser") -> None:
    parser.add_argument("--hotkey", action="store_true", help="start the hotkey agent with the graphical session, too")
    parser.add_argument("--sandbox", action="store_true", help="more isolation, where user namespaces are allowed")
    parser.add_argument("--no-start", action="store_true", help="only write the units")


def install(context: "Context", arguments: "Namespace") -> int:
    """Write the units, and have the socket there from now on and after each login."""
    written = [_write(name) for name in units.UNITS]
    sandbox = units.folder() / units.SANDBOX
    if arguments.sandbox:
        written.append(_write(units.SANDBOX))
    else:
        sandbox.unlink(missing_ok=True)
    for path in written:
        context.output.line(f"wrote {render.safe(str(path))}")
    started, hint = False, None
    if not arguments.no_start:
        started, hint = _start(context, arguments.hotkey)
    if context.output.json_only:
        context.output.value({"units": [str(path) for path in written], "started": started, "hint": hint})
    elif hint:
        context.output.note(hint)
    elif started:
        context.output.line("whisperd listens; the first client starts it, now and after each login")
    return names.EXIT_OK


def _start(context: "Context", hotkey: bool) -> "tuple[bool, str | None]":
    """Enable and start the socket; whether it is active then, and what is left for the person to do."""
    if not units.manager_reachable():
        return False, f"systemd's user manager can't be reached from here; after logging in, run: {_LATER}"
    _do("daemon-reload")
    active = units.properties(units.SOCKET).get("ActiveState") == "active"
    if not active and (pid := _answering(context)):
        _do("enable", units.SOCKET)
        return False, (
            f"a daemon that was started by hand runs (pid {pid}) and keeps its socket; to hand over, run: "
            "whisperctl shutdown && systemctl --user start whisperd.socket"
        )
    _do("enable", "--now", units.SOCKET)
    if hotkey:
        _do("enable", "--now", units.HOTKEY)
    if units.properties(units.SERVICE).get("ActiveState") == "active":
        return True, "whisperd runs as it was; to have it use the new unit: systemctl --user restart whisperd"
    return True, None


def _answering(context: "Context") -> int | None:
    try:
        return context.call(names.DAEMON_STATUS)["pid"]
    except NoDaemonError:
        return None


def _write(name: str) -> "Path":
    path = units.folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(units.text(name), encoding="utf-8")
    temporary.replace(path)
    return path


def uninstall(context: "Context", _arguments: object) -> int:
    """Stop whisperd and remove its units. Queue, transcripts, models and configuration are kept."""
    present = [name for name in (*units.UNITS, units.SANDBOX) if (units.folder() / name).exists()]
    reachable = units.manager_reachable()
    if reachable and present:
        # The socket first: else a client would start the service again.
        _do("disable", "--now", *(name for name in units.UNITS if name in present))
    for name in present:
        (units.folder() / name).unlink()
        context.output.line(f"removed {render.safe(str(units.folder() / name))}")
    if reachable and present:
        _do("daemon-reload")
    if context.output.json_only:
        context.output.value({"removed": present})
    elif not present:
        context.output.line("there is nothing to remove")
    return names.EXIT_OK


def status(context: "Context", _arguments: object) -> int:
    """Whether the units are installed, and what systemd says of them; 4 when they are not installed."""
    found: list[Json] = []
    for name in units.UNITS:
        path = units.folder() / name
        installed = path.exists()
        entry: Json = {"unit": name, "path": str(path), "installed": installed}
        entry["current"] = installed and path.read_text(encoding="utf-8") == units.text(name)
        asked = units.properties(name)
        entry["active"], entry["enabled"] = asked.get("ActiveState") or None, asked.get("UnitFileState") or None
        entry["status"] = asked.get("StatusText") or None
        found.append(entry)
    if context.output.json_only:
        context.output.value({"units": found})
    for entry in found:
        context.output.line(_line(entry))
    return names.EXIT_OK if found[0]["installed"] and found[1]["installed"] else names.EXIT_NOT_FOUND


def _line(entry: "Json") -> str:
    name = render.pad(entry["unit"], len(units.HOTKEY))
    if not entry["installed"]:
        return f"{name}  not installed; `whisperctl service install`"
    facts = [entry["active"] or "systemd's user manager can't be reached", *filter(None, [entry["enabled"]])]
    if not entry["current"]:
        facts.append("of another version or place; `whisperctl service install`")
    if entry["status"]:
        facts.append(entry["status"])
    return f"{name}  {render.safe(', '.join(facts))}"


def _do(*arguments: str) -> None:
    """Raises `CommandError` when systemd refuses."""
    done = units.systemctl(*arguments)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        raise CommandError(
            f"systemctl --user {' '.join(arguments)} failed: {words[-1] if words else done.returncode}",
            "`journalctl --user -u whisperd.socket -u whisperd -n 20` has systemd's words",
        )
