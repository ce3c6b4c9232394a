"""The demonstration: a daemon in a temporary home transcribes the speech that ships with the repository.

Shows the progress, the text and an SRT file, and leaves nothing behind.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEECH = ROOT / "tests" / "data" / "demo.flac"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="whisperd-demo-") as folder:
        home = Path(folder)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
            "HOME": str(home),
            "WHISPERD_SOCKET": str(home / "run" / "whisperd.sock"),
        }
        print("starting whisperd with its test model …", flush=True)
        log = home / "log"
        with log.open("wb") as stream:
            daemon = subprocess.Popen(
                [sys.executable, "-m", "whisperd", "run", "--model", "test-en"], env=environment, stderr=stream
            )
        try:
            return _show(home, environment, daemon, log)
        finally:
            daemon.terminate()
            daemon.wait(timeout=15)


def _show(home: Path, environment: dict[str, str], daemon: "subprocess.Popen[bytes]", log: Path) -> int:
    control = [sys.executable, "-m", "whisperctl"]
    if not _wait_for_socket(home / "run" / "whisperd.sock", daemon):
        print(log.read_text(), file=sys.stderr)
        return 1
    print(f"$ whisperctl transcribe --format srt --output-dir transcripts {SPEECH.relative_to(ROOT)}", flush=True)
    output = home / "transcripts"
    done = subprocess.run(
        [*control, "transcribe", "--format", "srt", "--output-dir", str(output), str(SPEECH)],
        env=environment,
        check=False,
    )
    if done.returncode != 0:
        return done.returncode
    print(f"\n$ cat transcripts/{SPEECH.stem}.srt")
    print((output / f"{SPEECH.stem}.srt").read_text(encoding="utf-8").strip())
    print("\n$ whisperctl job list", flush=True)
    return subprocess.run([*control, "job", "list"], env=environment, check=False).returncode


def _wait_for_socket(path: Path, daemon: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and daemon.poll() is None:
        if path.exists():
            return True
        time.sleep(0.05)  # the socket is the only sign there is before a connection can be made
    return False


if __name__ == "__main__":
    sys.exit(main())
