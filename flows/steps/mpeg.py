"""Whether bytes are MPEG audio at all: decoders of MP3 take two chance bytes for a frame.

Frame header: ISO/IEC 11172-3, 2.4.1.3, and 13818-3 for the lower rates; ID3v2: id3.org, section 3.
"""

_LOOK = 1 << 17  # bytes looked at
_KBITS: dict[tuple[bool, int], tuple[int, ...]] = {  # (MPEG 1, layer) -> of bitrate index 1 to 14
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)  # Hz; half of it in MPEG 2, a quarter in MPEG 2.5
_SAME = 0xFF_FE_0C_00  # of a header: sync, version, layer and rate, alike in every frame


def is_mpeg(data: bytes) -> bool:
    """Whether frames that follow one another fill most of the bytes after the tags."""
    start = _after_tags(data)
    end = min(len(data), start + _LOOK)
    place, filled = data.find(b"\xff", start, end), 0
    while 0 <= place < end:
        length = _length(head := data[place : place + 4])
        after = place + length
        if length and (after >= len(data) or _alike(head, data[after : after + 4])):
            filled += min(after, end) - place
            place = after
        else:
            place = data.find(b"\xff", place + max(1, length if filled else 1), end)
    return 2 * filled > end - start


def _after_tags(data: bytes) -> int:
    place = 0
    while data[place : place + 3] == b"ID3" and len(data) >= place + 10:
        size = 0
        for byte in data[place + 6 : place + 10]:
            size = size << 7 | byte & 0x7F
        place += 10 + size
    while place < len(data) and data[place] == 0:
        place += 1
    return place


def _alike(one: bytes, other: bytes) -> bool:
    return (int.from_bytes(one) ^ int.from_bytes(other)) & _SAME == 0


def _length(head: bytes) -> int:
    """Bytes of the frame that this header begins, 0 when it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return 0
    hertz = _RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    bits = 1000 * _KBITS[version == 3, layer][bitrate - 1]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding
