"""What became of each job that a verb was given for, in words and as an exit status.

Owns: a line for each of a few jobs, a summary of many, and the refusals with their reasons. Leaves to others: asking
(`whisperctl.commands.job`).
"""

from whisperctl import outcome, render
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Answer, Paint
    from whisperctl.terminal import Output

FEW = 20
"""Up to so many jobs have a line each, and so many reasons are told."""
PARTICIPLES = {
    "pause": "paused",
    "resume": "resumed",
    "cancel": "cancelled",
    "retry": "queued again",
    "delete": "deleted",
    "move": "moved",
}
_OVERTAKEN = ("illegal_transition", "not_found")
"""Kinds of refusal which a job that was found by its state gets when it has left that state meanwhile."""


def report(output: "Output", verb: str, answers: "list[Answer]", described: bool) -> int:
    """Print them; 0, or the status that the first refusal stands for.

    Where jobs were not named but `described`, one that fits no longer is no failure: what was asked is so.
    """
    done = [answer for answer in answers if answer["ok"]]
    refused = [answer for answer in answers if not answer["ok"]]
    overtaken = [answer for answer in refused if described and _kind(answer) in _OVERTAKEN]
    refused = [answer for answer in refused if answer not in overtaken]
    if len(answers) <= FEW:
        output.lines([_line(verb, answer, output.out.paint) for answer in done])
        if overtaken:
            output.note(f"{render.counted(len(overtaken), 'job')} had changed meanwhile")
    else:
        output.line(_summary(verb, len(done), len(refused), len(overtaken)))
    if not output.json_only:
        _complain(output, refused)
    if not refused:
        return names.EXIT_OK
    return names.EXIT_NOT_FOUND if _kind(refused[0]) == "not_found" else names.EXIT_REFUSED


def _line(verb: str, answer: "Answer", paint: "Paint") -> str:
    job = answer["job"]
    if job is None:
        return f"{answer['id']:>4}  {PARTICIPLES[verb]}"
    if verb == "move" and job["place"]:
        where = render.pad(f"place {job['place']:,}", 9)
        return f"{job['id']:>4}  {where}  {render.base_name(job['path'])}"
    return outcome.job_line(job, paint)


def _summary(verb: str, done: int, refused: int, overtaken: int) -> str:
    parts = [f"{PARTICIPLES[verb]} {render.counted(done, 'job')}"]
    parts += [f"{refused:,} refused"] if refused else []
    parts += [f"{overtaken:,} had changed meanwhile"] if overtaken else []
    return "; ".join(parts)


def _complain(output: "Output", refused: "list[Answer]") -> None:
    """Each reason once, with the jobs that it holds for."""
    reasons: dict[tuple[str, str | None], list[int]] = {}
    for answer in refused:
        error = answer["error"]
        reason = ((error and error["message"]) or "nothing was done", error["hint"] if error else None)
        reasons.setdefault(reason, []).append(answer["id"])
    for (message, hint), ids in list(reasons.items())[:FEW]:
        ids.sort()
        output.complain(f"{'job' if len(ids) == 1 else 'jobs'} {render.id_ranges(ids)}: {message}", hint)
    if len(reasons) > FEW:
        output.note(f"  … and {len(reasons) - FEW:,} more reasons: --json shows every answer")


def _kind(answer: "Answer") -> str:
    return answer["error"]["kind"] if answer["error"] else ""
