#!/usr/bin/env python3
"""spool_to_jsonl.py FOLDER: the events and checkpoints of a spool as JSON lines on standard output, read as docs/spool-format.md says and
with none of the probe's code. Pipe it into a file and give that to verify.py. It checks the framing only, and stops at what is not whole."""
import base64, pathlib, struct, sys

out = sys.stdout.buffer
for path in sorted(pathlib.Path(sys.argv[1]).glob('*.seg')):
    data = path.read_bytes()
    if data[:8] != bytes.fromhex('D55253455350 4C8A'.replace(' ', '')):
        sys.exit(f'{path}: not a segment')
    at, batch = struct.unpack_from('<I', data, 12)[0], []
    while at + 44 <= len(data) and data[at:at + 4] == bytes.fromhex('D553529C'):
        first, second, kind = struct.unpack_from('<III', data, at + 32)
        if at + 44 + first + second > len(data):
            break
        a = data[at + 44:at + 44 + first]
        b = data[at + 44 + first:at + 44 + first + second]
        at += 44 + first + second
        if kind == 1:
            batch.append(b'{"envelope":' + a + b',"payload":' + b + b'}\n')
        else:  # COMMIT: head hash (32), length of the tree (2, big-endian), tree, signed note
            out.writelines(batch)
            batch = []
            note = a[34 + int.from_bytes(a[32:34], 'big'):]
            out.write(b'{"checkpoint":"' + base64.b64encode(note) + b'"}\n')
