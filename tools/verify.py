#!/usr/bin/env python3
"""verify.py FILE [PUBLIC_KEY.pem …]: checks what `ransomeye-dpi replay --out jsonl` and exports print, without any of its code.

Needs Python 3 and the openssl command. Exit 0: intact, 1: not; the first thing that is wrong is named. Without keys the chain's own
announced key is used, which proves that nothing was changed, not who wrote it. Format: docs/envelope.md."""
import base64, hashlib, json, subprocess, sys, tempfile, uuid
sha = lambda *parts: hashlib.sha256(b''.join(parts)).digest()
canonical = lambda value: json.dumps(value, sort_keys=True, separators=(',', ':')).encode()
stop = lambda why: sys.exit(f'NOT INTACT: {why}')
pem = lambda spki: b'-----BEGIN PUBLIC KEY-----\n' + base64.b64encode(spki) + b'\n-----END PUBLIC KEY-----\n'


def signed(body, signature, spki):
    with tempfile.NamedTemporaryFile() as k, tempfile.NamedTemporaryFile() as m, tempfile.NamedTemporaryFile() as s:
        for file, content in ((k, pem(spki)), (m, body), (s, signature)):
            file.write(content)
            file.flush()
        return subprocess.run(['openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', k.name, '-rawin', '-in', m.name, '-sigfile', s.name],
                              capture_output=True).returncode == 0


trusted = [base64.b64decode(''.join(open(f).read().splitlines()[1:-1])) for f in sys.argv[2:]]
previous, peaks, count, covered, keys = bytes(32), [], 0, 0, list(trusted)
for number, line in enumerate(open(sys.argv[1], 'rb'), 1):
    try:
        row = json.loads(line)
    except ValueError:
        stop(f'line {number} is not JSON')
    if canonical(row) + b'\n' != line:
        stop(f'line {number} is not canonical')
    if 'checkpoint' in row:
        body, signatures = base64.b64decode(row['checkpoint']).split(b'\n\n')
        origin, size, root = (body + b'\n').decode().splitlines()
        top = None
        for height, peak in reversed(peaks):
            top = peak if top is None else sha(b'\x01', peak, top)
        if origin != 'ransomeye.dpi/' + instance or int(size) != count or base64.b64decode(root) != top:
            stop(f'line {number}: the checkpoint is not over these {count} events')
        blobs = [base64.b64decode(s.split(b' ')[2]) for s in signatures.splitlines()]
        if not any(b[:4] == sha(origin.encode(), b'\n\x01', k[-32:])[:4] and signed(body + b'\n', b[4:], k) for b in blobs for k in keys):
            stop(f'line {number}: no signature of a known key')
        covered = count
        continue
    e, payload = row['envelope'], canonical(row['payload'])
    instance = e['component_instance_id']
    bound = bytearray(sha(b'ransomeye.event-id/1\n', uuid.UUID(instance).bytes, e['seq'].to_bytes(8, 'big'), sha(payload))[:10])
    bound[0], bound[2] = bound[0] & 15 | 0x80, bound[2] & 63 | 0x80
    if e['seq'] != count or e['prev_hash'] != previous.hex() or sha(payload).hex() != e['payload_sha256'] or uuid.UUID(e['event_id']).bytes[6:] != bytes(bound):
        stop(f'line {number}: event {e["seq"]} was edited, moved, inserted, or one before it deleted')
    if count == 0 and not trusted:
        keys.append(base64.b64decode(row['payload']['key_spki']))
    previous, count = sha(b'\0', canonical(e)), count + 1
    peaks.append((0, previous))
    while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
        (height, left), (_, right) = peaks[-2:]
        peaks[-2:] = [(height + 1, sha(b'\x01', left, right))]
if not count or covered != count:
    stop(f'{count - covered} of {count} events are behind the last checkpoint')
print(f'intact: {count} events of {instance}, signed by', ', '.join(sha(k).hex()[:16] for k in keys), '' if trusted else '(announced by the chain itself)')
