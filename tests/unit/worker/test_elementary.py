"""How long the bytes were that are no frame, from packets as FFmpeg's parser makes them."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from whisperd.worker.elementary import ByteClock, frame_length

# MPEG-2 layer III, 24 kbit/s at 16 kHz without padding: 108 bytes, 36 ms.
FRAME = bytes.fromhex("fff338c4") + bytes(104)
DURATION = 0.036


def clock(frames: int = 10) -> ByteClock:
    made = ByteClock()
    for _ in range(frames):
        assert made.follow(FRAME, DURATION, decoded=True) is False
    assert made.late == 0
    return made


def id3(size: int) -> bytes:
    return b"ID3\x04\0\0\0\0" + bytes((size >> 7, size & 127)) + bytes(size)


def test_the_header_tells_a_frame_s_length() -> None:
    assert frame_length(FRAME) == 108
    assert frame_length(bytes.fromhex("fffb9064")) == 417
    assert frame_length(bytes.fromhex("fffb9264")) == 418
    assert frame_length(bytes.fromhex("ffe318c4")) == 72
    for no_frame in (b"", b"\xff", bytes(108), b"ID3\x04", bytes.fromhex("fffb00c4"), bytes.fromhex("fffbfcc4")):
        assert frame_length(no_frame) is None


def test_garbage_lasts_as_long_as_the_frames_that_fit_into_it() -> None:
    damaged = clock()
    assert damaged.follow(b"\0" * 108 * 38, DURATION, decoded=False)
    # The timestamps advance by one frame for the packet itself.
    assert damaged.late == approx(37 * DURATION)


def test_garbage_behind_a_frame_counts_too() -> None:
    damaged = clock()
    assert damaged.follow(FRAME + b"\0" * 108 * 5, DURATION, decoded=True)
    assert damaged.late == approx(5 * DURATION)


def test_a_whole_frame_that_can_not_be_decoded_is_one_frame() -> None:
    damaged = clock()
    assert damaged.follow(FRAME, DURATION, decoded=False)
    assert damaged.late == 0


def test_a_tag_between_joined_files_is_no_damage_and_no_time() -> None:
    for tag in (b"TAG" + bytes(125), id3(3000), b"APETAGEX" + bytes(4) + (500).to_bytes(4, "little") + bytes(516)):
        for decoded in (True, False):
            joined = clock()
            assert joined.follow(tag, DURATION, decoded) is False
            assert joined.late == approx(-DURATION)


def test_a_tag_is_followed_over_several_packets() -> None:
    joined = clock()
    tag = id3(3000)
    assert joined.follow(tag[:1000], DURATION, decoded=False) is False
    assert joined.follow(tag[1000:] + FRAME, DURATION, decoded=False) is False
    assert joined.late == approx(-DURATION)
    assert joined.follow(FRAME, DURATION, decoded=True) is False


@given(st.lists(st.integers(1, 5000), max_size=30))
def test_garbage_is_worth_its_bytes_however_it_is_divided(sizes: list[int]) -> None:
    damaged = clock()
    for size in sizes:
        damaged.follow(bytes(size), DURATION, decoded=False)
    assert damaged.late + len(sizes) * DURATION == approx(sum(sizes) / 108 * DURATION)
