"""A voice made of tones, where fetched voices would lie: what the makers do with prompts needs no real ones."""

import gzip
from pathlib import Path

import pytest

from tests.unit.tools.tones import LEAD, write_tone
from tools.real_data.fetch import VARIABLE
from tools.real_data.parts import PARTS, recipe


@pytest.fixture
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """English and French voices of six prompts each: N words sound for N × 0.4 s, `long` with a pause in its middle."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for language in ("en", "fr"):
        part = PARTS[f"voices-{language}"]
        folder = tmp_path / part.folder
        lines = [f"digits/{count}: {' '.join([f'{language}{count}'] * count)}" for count in range(1, 6)]
        for count in range(1, 6):
            write_tone(folder / f"sounds/digits/{count}.wav", [(LEAD, LEAD + 0.4 * count)], 2 * LEAD + 0.4 * count)
        lines += [f"long: {language} before, {language} after", "missing: there is no recording of this"]
        write_tone(folder / "sounds/long.wav", [(LEAD, 1.0), (2.0, 3.0)], 3.0 + LEAD)
        with gzip.open(folder / "texts.gz", "wt", encoding="utf-8") as stream:
            stream.write("\n".join(lines))
        (folder / ".recipe").write_text(recipe(part))
    return tmp_path
