"""What was measured on this machine: how fast each model is, and which decoding batch size is best.

Owns: the tables `speeds`, `calibrations` and `sharing_times`. Leaves to others: turning them into estimates
(`whisperd.jobs.estimates`) and sizes (`whisperd.jobs.sharing`).
"""

import sqlite3

import msgspec

from whisperd.frames import AudioContext
from whisperd.jobs.sharing import Timed

_HALF_LIFE = 3_600.0
"""Seconds of newer audio after which an older measurement counts half: an hour of work shows a machine that has become
slower or faster, and a single odd file changes little."""

_per_chunk = msgspec.json.Decoder(dict[int, float])


class Calibration(msgspec.Struct, frozen=True):
    """The batch size to use, and the seconds a chunk of each size that was tried."""

    batch_size: int
    seconds_per_chunk: dict[int, float]


def save_speed(
    conn: sqlite3.Connection, model: str, device: str, compute_type: str, audio_seconds: float, seconds: float
) -> None:
    """Add a measurement: `seconds` of computing for `audio_seconds` of audio. Nothing is added for no audio."""
    if audio_seconds <= 0:
        return
    faded = 0.5 ** (audio_seconds / _HALF_LIFE)
    conn.execute(
        """INSERT INTO speeds (model, device, compute_type, audio_seconds, seconds)
        VALUES (:model, :device, :compute_type, :audio_seconds, :seconds)
        ON CONFLICT (model, device, compute_type) DO UPDATE SET
            audio_seconds = audio_seconds * :faded + excluded.audio_seconds,
            seconds = seconds * :faded + excluded.seconds""",
        {
            "model": model,
            "device": device,
            "compute_type": compute_type,
            "audio_seconds": audio_seconds,
            "seconds": seconds,
            "faded": faded,
        },
    )


def real_time_factor(conn: sqlite3.Connection, model: str, device: str, compute_type: str) -> float | None:
    """Seconds of computing a second of audio, newer work counting more; None before the first measurement."""
    row = conn.execute(
        "SELECT seconds / audio_seconds FROM speeds WHERE (model, device, compute_type) = (?, ?, ?)",
        (model, device, compute_type),
    ).fetchone()
    return None if row is None else row[0]


def typical_job(conn: sqlite3.Connection) -> float | None:
    """Seconds of computing that a recent job took, in the mean; None before the first has completed."""
    (mean,) = conn.execute(
        """SELECT avg(processing_time) FROM
        (SELECT processing_time FROM jobs WHERE state = 'completed' ORDER BY id DESC LIMIT 20)"""
    ).fetchone()
    return mean


def save_calibration(
    conn: sqlite3.Connection,
    fingerprint: str,
    beam_size: int,
    audio_context: AudioContext,
    batch_size: int,
    seconds_per_chunk: dict[int, float],
) -> None:
    """Store what calibrating this engine gave, in place of an earlier result."""
    conn.execute(
        """INSERT INTO calibrations (fingerprint, beam_size, audio_context, batch_size, seconds_per_chunk)
        VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (fingerprint, beam_size, audio_context) DO UPDATE SET
            batch_size = excluded.batch_size, seconds_per_chunk = excluded.seconds_per_chunk""",
        (fingerprint, beam_size, audio_context.value, batch_size, msgspec.json.encode(seconds_per_chunk).decode()),
    )


def calibration(
    conn: sqlite3.Connection, fingerprint: str, beam_size: int, audio_context: AudioContext
) -> Calibration | None:
    row = conn.execute(
        """SELECT batch_size, seconds_per_chunk FROM calibrations
        WHERE (fingerprint, beam_size, audio_context) = (?, ?, ?)""",
        (fingerprint, beam_size, audio_context.value),
    ).fetchone()
    return None if row is None else Calibration(batch_size=row[0], seconds_per_chunk=_per_chunk.decode(row[1]))


def sharing_times(conn: sqlite3.Connection, about: str) -> dict[int, Timed]:
    """What decoding chunks of several files together took, by how many there were, of this engine and kind of chunk."""
    rows = conn.execute("SELECT size, chunks, seconds FROM sharing_times WHERE about = ?", (about,))
    return {size: Timed(chunks, seconds) for size, chunks, seconds in rows}


def save_sharing_time(conn: sqlite3.Connection, about: str, size: int, timed: Timed) -> None:
    conn.execute(
        "INSERT OR REPLACE INTO sharing_times (about, size, chunks, seconds) VALUES (?, ?, ?, ?)",
        (about, size, timed.chunks, timed.seconds),
    )
