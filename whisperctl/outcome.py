"""How jobs ended, in words and as an exit status.

Owns: the lines about ended jobs. Leaves to others: how they got there (`whisperctl.progress`).
"""

from whisperctl import progress, render
from whisperctl.terminal import STATE_STYLES
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Job, Paint
    from whisperctl.terminal import Output


def status(jobs: "list[Job]") -> int:
    """0 when all are completed and every file that was asked for is written, else 1."""
    if all(job["state"] == "completed" and not any(written.get("error") for written in job["outputs"]) for job in jobs):
        return names.EXIT_OK
    return names.EXIT_FAILED


def job_line(job: "Job", paint: "Paint") -> str:
    """`12  queued  meeting.m4a`."""
    state = paint(STATE_STYLES.get(job["state"], ""), render.pad(job["state"], 9))
    return f"{job['id']:>4}  {state}  {render.base_name(job['path'])}"


def report(output: "Output", job: "Job", label: str) -> None:
    """What a person must know of a job that ended, on stderr: why it failed, what is missing or was done
    otherwise than asked, which files there are."""
    error = job["error"]
    if job["state"] == "cancelled":
        output.complain(f"{label}: job {job['id']} was cancelled")
    elif job["state"] == "failed":
        message = error["message"] if error else "failed"
        named = label in render.safe(message)
        output.complain(message if named else f"{label}: {message}", error["hint"] if error else None)
    if progress.silent(job):
        output.note(f"no speech was found in {label}")
    if job["partial"]:
        missing = f"{render.duration(job['missing'])} of the audio" if job["missing"] else "some of the audio"
        output.note(f"{label}: {missing} could not be read and is not in the transcript")
    for note in job["notes"]:
        output.note(f"{label}: {render.safe(note)}")
    for written in job["outputs"]:
        problem = written.get("error")
        if problem:
            output.complain(f"{label}: {written['format']}: {problem}")
        else:
            output.note(f"{label}: wrote {render.safe(written['path'])}")


def goes_on(ids: "list[int]") -> str:
    """What is said after Ctrl-C."""
    if not ids:
        return "no job is left running"
    shown = render.id_ranges(ids)
    return (
        f"{'job' if len(ids) == 1 else 'jobs'} {shown} {'goes' if len(ids) == 1 else 'go'} on in whisperd\n"
        f"  to follow: whisperctl job wait {shown}\n"
        f"  to cancel: whisperctl job cancel {shown}"
    )
