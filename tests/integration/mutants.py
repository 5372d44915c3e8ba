"""Captures damaged on purpose: what is read of a classic one, and what may have happened to its packets."""
import struct


def packets_of(data):
    """Header, byte order and records of a classic capture; nothing when it is another kind or damaged already."""
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\x3c\x4d": ">"}.get(data[:4])
    if order is None:
        return None
    records, at = [], 24
    while at + 16 <= len(data):
        seconds, fraction, captured, wire = struct.unpack(order + "IIII", data[at:at + 16])
        if captured > 262_144 or at + 16 + captured > len(data):
            return None
        records.append((seconds, fraction, wire, data[at + 16:at + 16 + captured]))
        at += 16 + captured
    return data[:24], order, records


def damaged(records, chance):
    out = []
    for seconds, fraction, wire, frame in records:
        what = chance.randrange(24)
        frame = bytearray(frame)
        if what < 4 and frame:
            for _ in range(1 + chance.randrange(6)):
                frame[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
        elif what == 4:
            del frame[chance.randrange(len(frame) + 1):]
        elif what == 5 and frame:
            begin = chance.randrange(len(frame))
            frame[begin:begin + 8] = bytes(len(frame[begin:begin + 8]))
        elif what == 6:
            out.append((seconds, fraction, wire, bytes(frame)))
        elif what == 7 and out:
            out.insert(len(out) - 1, (seconds, fraction, wire, bytes(frame)))
            continue
        elif what == 8:
            continue
        elif what == 9:
            seconds = chance.choice([0, 1, seconds + 5, max(0, seconds - 5), 0x7fffffff, 0xffffffff])
        out.append((seconds, fraction, wire, bytes(frame)))
    return out
