"""Time in an MP3, which carries no timestamps: how long the bytes were that are no frame.

Owns: telling frames from garbage and tags in a packet, and how much later than its count of frames a stream is. FFmpeg
counts frames to give these packets timestamps, and its parser joins all that it can't read into one packet, so
that damage shortens the audio without any gap in the timestamps. Only the bytes tell how long it was: exactly at a
constant bit rate; at a variable one as well as the mean rate up to there describes what was lost. Damage before the
first frame can't be timed, and garbage that decodes by chance counts as the frames it looks like. Nor can damage in
raw AAC (ADTS), whose garbage FFmpeg drops unseen. Pure; times in seconds. Leaves to others: decoding and filling the
hole (`audio`).
"""

from typing import Final

_LAYER_3: Final = 1
_MPEG_1: Final = 3
_MPEG_2_5: Final = 0
_KILOBITS: Final = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates of layer III by index, for MPEG-1 and for the lower sample rates (ISO 11172-3 and 13818-3)."""

_RATES: Final = (44_100, 48_000, 32_000)


class ByteClock:
    """Follows the packets of one stream. `late` is what to add to the timestamps of frames from here on."""

    def __init__(self) -> None:
        self.late = 0.0
        self._tag_left = 0
        self._sound_bytes = 0
        self._sound_seconds = 0.0

    def follow(self, packet: bytes, duration: float, decoded: bool) -> bool:
        """Take note of the next packet, for which the timestamps advance by `duration`; whether it was damaged."""
        if not packet or duration <= 0:
            return not decoded
        tag = self._tag_bytes(packet)
        length = frame_length(packet)
        if tag == 0 and (length == len(packet) or (decoded and length is None)):
            # A whole frame, whether its content could be decoded or not.
            if decoded:
                self._sound_bytes += len(packet)
                self._sound_seconds += duration
            return not decoded
        is_frame = decoded and tag == 0
        beside = max(0, len(packet) - tag - (length or 0 if is_frame else 0))
        if self._sound_bytes:
            self.late += beside * self._sound_seconds / self._sound_bytes - (0 if is_frame else duration)
        return tag == 0

    def _tag_bytes(self, packet: bytes) -> int:
        """How many bytes at the packet's beginning are a tag, which may be longer than the packet."""
        size = self._tag_left
        while known := _tag_size(packet[size : size + 32]):
            size += known
        self._tag_left = max(0, size - len(packet))
        return min(size, len(packet))


def _tag_size(data: bytes) -> int:
    """Bytes of the ID3 or APE tag that begins here; 0 where none does."""
    if data[:3] == b"TAG":
        return 128
    if data[:3] == b"ID3" and len(data) >= 10 and all(byte < 0x80 for byte in data[6:10]):
        a, b, c, d = data[6:10]
        return 10 + (a << 21 | b << 14 | c << 7 | d)
    if data[:8] == b"APETAGEX" and len(data) >= 16:
        return 32 + int.from_bytes(data[12:16], "little")
    return 0


def frame_length(data: bytes) -> int | None:
    """Bytes of the layer III frame that begins here, by its header; None where none does or it doesn't say."""
    header = int.from_bytes(data[:4], "big")
    version, layer = header >> 19 & 3, header >> 17 & 3
    bit_rate, sample_rate, padding = header >> 12 & 15, header >> 10 & 3, header >> 9 & 1
    if header >> 21 != 0x7FF or version == 1 or layer != _LAYER_3 or bit_rate in (0, 15) or sample_rate == 3:
        return None
    halvings = 0 if version == _MPEG_1 else 2 if version == _MPEG_2_5 else 1
    bits_a_second = _KILOBITS[version == _MPEG_1][bit_rate] * 1000
    samples = 1152 if version == _MPEG_1 else 576
    return samples // 8 * bits_a_second // (_RATES[sample_rate] >> halvings) + padding
