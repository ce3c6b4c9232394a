"""The daemon itself: `status`, `doctor`, `shutdown`."""

from whisperctl import progress, render
from whisperctl.errors import CommandError
from whisperctl.terminal import STATE_STYLES
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.context import Context
    from whisperctl.shapes import Bar, Check, DoctorResult, Paint, Status, Worker

STOP_TIMEOUT = 15.0
"""Seconds a daemon may take to stop; it promises 10."""
DOCTOR_TIMEOUT = 300.0
"""Seconds for all checks, of which loading a large model from a slow disk takes most."""

_WORKER_STATES = {
    "absent": "not needed now",
    "loading": "loading the model",
    "stopped": "stopped while dictation computes",
    "broken": "can't be started; `whisperctl doctor` looks for the reason",
}
"""What is said of a worker in other words than its state's name."""

_LABEL_COLUMNS = len("worker    ")
_HINT_COLUMNS = {True: len("  → "), False: len("     -> ")}
"""Where a check's sentences begin, with and without symbols."""
_MARKS = {
    "ok": ("✓", "ok  ", "green"),
    "warning": ("!", "warn", "yellow"),
    "failed": ("✗", "FAIL", "red"),
    "unused": ("·", "--  ", "dim"),
}


def status(context: "Context", _arguments: object) -> int:
    """A summary on one screen."""
    result: Status = context.call(names.DAEMON_STATUS)
    output = context.output
    if output.json_only:
        output.value(result)
    else:
        output.lines(status_lines(result, output.out.paint, output.out.bar, output.out.size()[0]), _LABEL_COLUMNS)
    return names.EXIT_OK


def status_lines(status: "Status", paint: "Paint", bar: "Bar", columns: int) -> "list[str]":
    """The daemon, its queue, its workers and what they work on."""
    facts = [f"pid {status['pid']}", f"up {render.duration(status['uptime'])}", render.size(status["memory"])]
    counts = [
        paint(STATE_STYLES.get(state, ""), f"{count:,} {render.safe(state)}")
        for state, count in status["queue"].items()
        if count
    ]
    lines = [
        f"{paint('bold', 'whisperd ' + render.safe(status['version']))}  {'  '.join(facts)}",
        f"queue     {'  '.join(counts) or 'empty'}",
    ]
    if status["trouble"]:
        lines.append(f"          {paint('red', render.safe(status['trouble']))}")
    if status["paused"]:
        lines.append(f"          {paint('yellow', 'PAUSED')}: files wait, dictation goes on; `whisperctl queue resume`")
    else:
        holds = status["holds"]
        lines += [f"          {render.counted(h['jobs'], 'job')} held: {render.safe(h['reason'])}" for h in holds]
    lines += _config_lines(status, paint)
    lanes = status["lanes"]
    lines.append(f"lanes     {lanes['count']}: {render.safe(lanes['reason'])}")
    told = [] if status["paused"] else [hold["reason"] for hold in status["holds"]]
    for worker in status["workers"]:
        lines.append(_worker_line(worker))
        if worker["error"] and worker["error"] not in told:
            lines.append(f"          {paint('red', render.safe(worker['error']))}")
        if worker["fallback"]:
            lines.append(f"          {paint('yellow', render.safe(worker['fallback']))}")
    if status["running"]:
        labels = [f"{job['id']}  {render.base_name(job['path'])}" for job in status["running"]]
        name_columns = progress.label_columns(labels, columns)
        lines.append("")
        for job, label in zip(status["running"], labels, strict=True):
            fitted = render.pad(render.fit_name(label, name_columns), name_columns)
            lines.append(progress.line(job, fitted, columns, paint, bar, job["eta"]))
    return lines


def _config_lines(status: "Status", paint: "Paint") -> "list[str]":
    """What is wrong with the configuration file, and what it holds that the daemon has not taken up."""
    mistakes = (status["config_error"] or "").splitlines()
    lines = [f"config    {paint('red', render.safe(mistake))}" for mistake in mistakes]
    if lines:
        lines.append("          the settings from before are in force; saving a right file is enough")
    if waiting := ", ".join(status["restart_needed"]):
        lines.append(f"config    {paint('yellow', 'restart needed')} for {render.safe(waiting)}")
    return lines


def _worker_line(worker: "Worker") -> str:
    facts = [_WORKER_STATES.get(worker["state"], worker["state"])]
    if worker["model"]:
        where = " ".join(filter(None, (worker["device"], worker["compute_type"])))
        facts.append(f"{worker['model']} ({where})" if where else worker["model"])
    facts += [f"job {worker['job']}"] if worker["job"] else []
    facts += [render.size(worker["memory"])] if worker["memory"] else []
    facts += [f"pid {worker['pid']}"] if worker["pid"] else []
    return f"worker    {render.safe(worker['lane'])}: {render.safe(', '.join(facts))}"


def doctor(context: "Context", _arguments: object) -> int:
    """Every link of the chain: as this program sees it, as the daemon does, and the desktop; 1 when one failed.

    What the desktop lacks fails nothing: a machine without one transcribes as well.
    """
    from whisperctl import checks, desktop_checks

    output = context.output
    mine, client = checks.connection(context)
    if client is None:
        mine += checks.without_daemon()
        result: DoctorResult = {"ok": False, "checks": mine}
    else:
        result = client.call(names.DAEMON_DOCTOR, timeout=DOCTOR_TIMEOUT)
    result["checks"] += [checks.systemd(), *desktop_checks.checks()]
    if output.json_only:
        output.value(result)
    else:
        for check in mine if client is None else [*mine, *result["checks"]]:
            symbols = output.out.symbols
            output.lines(check_lines(check, output.out.paint, symbols), _HINT_COLUMNS[symbols])
    if client is None:
        return names.EXIT_NO_DAEMON
    return names.EXIT_OK if result["ok"] else names.EXIT_FAILED


def check_lines(check: "Check", paint: "Paint", symbols: bool) -> "list[str]":
    """`✓ name: message`, and what to do below it."""
    mark, word, style = _MARKS.get(check["status"], ("?", "?   ", ""))
    lines = [f"{paint(style, mark if symbols else word)} {render.safe(check['name'])}: {render.safe(check['message'])}"]
    if check["hint"]:
        arrow = "  → " if symbols else "     -> "
        lines.append(f"{paint('dim', arrow)}{render.safe(check['hint'])}")
    return lines


def shutdown(context: "Context", _arguments: object) -> int:
    """Stop the daemon, and wait until it has."""
    client = context.connect()
    result = client.call(names.DAEMON_SHUTDOWN)
    stopped = client.wait_for_end(STOP_TIMEOUT)
    if not stopped:
        raise CommandError(f"whisperd was told to stop and still runs after {STOP_TIMEOUT:g} s", "look at its log")
    context.output.result(result, "whisperd has stopped; queued work stays queued")
    return names.EXIT_OK
