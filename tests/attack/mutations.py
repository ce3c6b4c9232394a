"""Damage to files, drawn from a seed: what disks, networks, recorders and people with bad intentions do to them.

Owns: the kinds of damage to bytes and to packets. Pure functions of their arguments. Leaves to others: what is damaged
(`corpus`), and what becomes of it (`media`).
"""

import io
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import av
import av.error

Damage = Callable[[bytearray, random.Random], str]
"""Damages the data in place and says how."""

HEAD: Final = 4_096
"""Bytes at both ends of a file in which most of its headers and indices lie."""

_TELLING: Final = (0, 1, 2, 3, 7, 8, 9, 16, 64, 127, 128, 255, 256, 32_767, 32_768, 65_535, 1 << 24, (1 << 31) - 1)
_SIGNS: Final = (
    *(b"fmt ", b"data", b"ds64", b"fact", b"COMM", b"SSND", b"desc", b"pakt", b"kuki"),
    *(b"moov", b"mvhd", b"mdhd", b"stsd", b"stsz", b"stts", b"stsc", b"stco", b"mp4a", b"esds", b"alac", b"elst"),
    *(b"moof", b"trun", b"tfhd", b"hdrl", b"strh", b"strf", b"idx1", b"movi", b"ID3", b"APIC", b"Xing", b"Info"),
    *(b"fLaC", b"OggS", b"OpusHead", b"vorbis", b"#!AMR", b"\xff\xf1", b"\xff\xf8", b"\xff\xfb", b"\xff\xf3"),
    *(b"\x1a\x45\xdf\xa3", b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75", b"\xe1", b"\xa3"),  # Matroska
    *(b"\x91\x07\xdc\xb7", b"\xa1\xdc\xab\x8c"),  # ASF
)
"""What begins the parts of a file whose fields matter, in the containers of `corpus`."""


def mutate(kind: str, files: Mapping[str, bytes], draw: random.Random) -> tuple[bytes, str]:
    """The file of that kind with one to four damages, and what they are."""
    data = files[kind]
    done: list[str] = []
    if draw.random() < 0.15:
        data = _with_other_packets(data, draw) or data
        done.append("packets dropped, doubled, moved or shifted in time")
    damaged = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 4))):
        if draw.random() < 0.05:
            done.append(_splice(damaged, files[draw.choice(list(files))], draw))
        else:
            done.append(draw.choice(DAMAGES)(damaged, draw))
    return bytes(damaged), "; ".join(done)


def _place(data: Sequence[int], draw: random.Random) -> int:
    """Anywhere in the data, headers and ends more often than the sound between them."""
    size = max(1, len(data))
    where = draw.random()
    if where < 0.4:
        return draw.randrange(min(size, HEAD))
    if where < 0.5:
        return draw.randrange(max(0, size - HEAD), size)
    return draw.randrange(size)


def _run(data: Sequence[int], draw: random.Random) -> slice:
    start = _place(data, draw)
    return slice(start, min(len(data), start + draw.choice((1, 4, 30, 200, 1_000, 5_000, 40_000))))


def truncate(data: bytearray, draw: random.Random) -> str:
    size = _place(data, draw)
    del data[size:]
    return f"cut to {size} bytes"


def flip_bits(data: bytearray, draw: random.Random) -> str:
    places = [_place(data, draw) for _ in range(draw.choice((1, 1, 2, 8, 64)))]
    for place in places:
        if place < len(data):
            data[place] ^= 1 << draw.randrange(8)
    return f"bits flipped at {places}"


def overwrite_field(data: bytearray, draw: random.Random) -> str:
    return _overwrite(data, _place(data, draw), draw)


def overwrite_part(data: bytearray, draw: random.Random) -> str:
    """A field of a part that begins with a known sign."""
    signs = [sign for sign in _SIGNS if sign in data]
    if not signs:
        return overwrite_field(data, draw)
    sign = draw.choice(signs)
    places = [at for at in range(len(data)) if data.startswith(sign, at)] if draw.random() < 0.3 else []
    at = draw.choice(places) if places else data.index(sign)
    return f"behind {sign!r}: {_overwrite(data, max(0, at + draw.randrange(-4, 40)), draw)}"


def _overwrite(data: bytearray, at: int, draw: random.Random) -> str:
    size = draw.choice((1, 2, 4, 4, 8))
    value = draw.choice((*_TELLING, -1, -2, draw.getrandbits(64))) % (1 << 8 * size)
    field = value.to_bytes(size, draw.choice(("little", "big")))
    data[at : at + size] = field[: max(0, len(data) - at)]
    return f"{field.hex()} at {at}"


def zero_run(data: bytearray, draw: random.Random) -> str:
    run = _run(data, draw)
    data[run] = bytes(len(data[run]))
    return f"zeros in {run.start}:{run.stop}"


def random_run(data: bytearray, draw: random.Random) -> str:
    run = _run(data, draw)
    data[run] = draw.randbytes(len(data[run]))
    return f"garbage in {run.start}:{run.stop}"


def delete_run(data: bytearray, draw: random.Random) -> str:
    run = _run(data, draw)
    del data[run]
    return f"{run.start}:{run.stop} left out"


def repeat_run(data: bytearray, draw: random.Random) -> str:
    run = _run(data, draw)
    times = draw.choice((1, 2, 20))
    data[run.start : run.start] = data[run] * times
    return f"{run.start}:{run.stop} repeated {times} times"


def move_run(data: bytearray, draw: random.Random) -> str:
    run = _run(data, draw)
    moved = data[run]
    del data[run]
    at = _place(data, draw)
    data[at:at] = moved
    return f"{run.start}:{run.stop} moved to {at}"


DAMAGES: Final[tuple[Damage, ...]] = (
    truncate,
    truncate,
    flip_bits,
    flip_bits,
    overwrite_field,
    overwrite_part,
    overwrite_part,
    overwrite_part,
    zero_run,
    random_run,
    delete_run,
    repeat_run,
    move_run,
)


def _splice(data: bytearray, other: bytes, draw: random.Random) -> str:
    at, start = _place(data, draw), _place(other, draw)
    data[at:] = other[start:]
    return f"from {at} on another file from {start} on"


def _with_other_packets(data: bytes, draw: random.Random) -> bytes | None:
    """The sound muxed anew with other packets in other places at other times; None where that can't be written."""
    target_file = io.BytesIO()
    try:
        with av.open(io.BytesIO(data)) as source:
            container = source.format.name.split(",")[0]
            sound = source.streams.audio[0]
            packets = [packet for packet in source.demux(sound) if packet.dts is not None]
            _change_packets(packets, draw)
            with av.open(target_file, "w", format={"aac": "adts"}.get(container, container)) as target:
                stream = target.add_stream_from_template(sound)
                for packet in packets:
                    packet.stream = stream
                    target.mux(packet)
    except (av.error.FFmpegError, ValueError, OSError, OverflowError, RuntimeError):
        pass  # what was written up to there is a damaged file too
    return target_file.getvalue() or None


def _change_packets(packets: "list[av.Packet[av.AudioStream]]", draw: random.Random) -> None:
    for _ in range(draw.choice((1, 3, 10))):
        if not packets:
            return
        at = draw.randrange(len(packets))
        match draw.randrange(3):
            case 0:
                del packets[at]
            case 1:
                packets.insert(draw.randrange(len(packets)), packets.pop(at))
            case _:
                late = draw.choice((-1, 1)) * draw.choice((1, 1_000, 48_000, 10_000_000))
                for packet in packets[at:]:
                    # Times before 0 and beyond an hour or so are for damage to bytes: muxers end the program at them.
                    packet.pts = max(0, (packet.pts or 0) + late)
                    packet.dts = packet.pts
