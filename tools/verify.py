#!/usr/bin/env python3
"""verify.py FILE [PUBLIC_KEY.pem …]: checks what `ransomeye-dpi replay --out jsonl` and exports print, without any of its code.
verify.py --proof PROOF EVENT PUBLIC_KEY.pem …: checks one event with its proof, as `ransomeye-dpi verify --prove` writes them.
Before either, --revoked KEY_ID:SEQ, repeatable: a key that proves nothing from that sequence on.

Needs Python 3 and the openssl command. Exit 0: intact, 1: not; the first thing that is wrong is named. Without keys the chain's own
announced key is used, which proves that nothing was changed, not who wrote it. A key may hand over to another (key.rotate): both sign
the checkpoint that does. Format: docs/envelope.md."""
import base64, hashlib, json, subprocess, sys, tempfile, uuid
sha = lambda *parts: hashlib.sha256(b''.join(parts)).digest()
canonical = lambda value: json.dumps(value, sort_keys=True, separators=(',', ':')).encode()
stop = lambda why: sys.exit(f'NOT INTACT: {why}')
pem = lambda spki: b'-----BEGIN PUBLIC KEY-----\n' + base64.b64encode(spki) + b'\n-----END PUBLIC KEY-----\n'
names = lambda keys: ', '.join(sha(k).hex()[:16] for k in keys)


def signed(body, signature, spki):
    with tempfile.NamedTemporaryFile() as k, tempfile.NamedTemporaryFile() as m, tempfile.NamedTemporaryFile() as s:
        for file, content in ((k, pem(spki)), (m, body), (s, signature)):
            file.write(content)
            file.flush()
        return subprocess.run(['openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', k.name, '-rawin', '-in', m.name, '-sigfile', s.name],
                              capture_output=True).returncode == 0


def parse(line, where):
    """A line of the form that is written, byte for byte."""
    try:
        row = json.loads(line)
    except ValueError:
        stop(f'{where} is not JSON')
    if canonical(row) + b'\n' != line:
        stop(f'{where} is not canonical')
    return row


def commits(e, payload):
    """Does the envelope commit to that payload, and does its id follow from both?"""
    bound = bytearray(sha(b'ransomeye.event-id/1\n', uuid.UUID(e['component_instance_id']).bytes, e['seq'].to_bytes(8, 'big'), sha(payload))[:10])
    bound[0], bound[2] = bound[0] & 15 | 0x80, bound[2] & 63 | 0x80
    return sha(payload).hex() == e['payload_sha256'] and uuid.UUID(e['event_id']).bytes[6:] == bytes(bound)


def opened(note, instance, keys, revoked, where):
    """Size and root of a checkpoint of that instance, and those of the keys that signed it."""
    body, signatures = note.split(b'\n\n')
    origin, size, root = (body + b'\n').decode().splitlines()
    if origin != 'ransomeye.dpi/' + instance:
        stop(f'{where}: the checkpoint is of {origin}')
    blobs, signers = [base64.b64decode(s.split(b' ')[2]) for s in signatures.splitlines()], []
    for key in keys:
        hint = sha(origin.encode(), b'\n\x01', key[-32:])[:4]
        mine = [b[4:] for b in blobs if b[:4] == hint]
        if mine and not any(signed(body + b'\n', signature, key) for signature in mine):
            stop(f'{where}: a wrong signature of key {names([key])}')
        if mine and int(size) <= revoked.get(sha(key).hex(), int(size)):
            signers.append(key)
    if not signers:
        stop(f'{where}: no signature of a known key that is in force')
    return int(size), base64.b64decode(root), signers


def handed_over(e, payload, key, before, revoked):
    """The key that a key.rotate hands over to."""
    new = base64.b64decode(payload['new_key_spki'], validate=True)
    claim = f'ransomeye.key-possession/1\n{e["component_instance_id"]}\n{sha(new).hex()}\n'.encode()
    if sorted(payload) != ['new_key_alg', 'new_key_id', 'new_key_spki', 'old_key_id', 'possession_sig', 'reason'] or payload['new_key_alg'] != 'ed25519':
        stop(f'event {e["seq"]}: not the members of a key.rotate')
    if payload['old_key_id'] != sha(key).hex() or payload['new_key_id'] != sha(new).hex() or new in before:
        stop(f'event {e["seq"]} does not replace the key in force by a new one')
    if e['seq'] >= revoked.get(sha(key).hex(), e['seq'] + 1):
        stop(f'event {e["seq"]}: a revoked key hands over')
    if not signed(claim, base64.b64decode(payload['possession_sig']), new):
        stop(f'event {e["seq"]}: the new key did not sign its possession')
    return new


def chain(path, trusted, revoked):
    # The last of the keys is in force; those that were replaced since the last checkpoint sign the next one too.
    previous, peaks, count, covered, instance, keys, replaced = bytes(32), [], 0, 0, '', [], []
    for number, line in enumerate(open(path, 'rb'), 1):
        row, where = parse(line, f'line {number}'), f'line {number}'
        if 'checkpoint' in row:
            top = None
            for height, peak in reversed(peaks):
                top = peak if top is None else sha(b'\x01', peak, top)
            size, root, signers = opened(base64.b64decode(row['checkpoint']), instance, keys, revoked, where)
            if (size, root) != (count, top):
                stop(f'{where}: the checkpoint is not over these {count} events')
            for key in replaced + keys[-1:]:
                if key not in signers:
                    stop(f'{where}: key {names([key])} did not sign')
            covered, replaced = count, []
            continue
        e = row['envelope']
        if e['seq'] != count or e['prev_hash'] != previous.hex() or not commits(e, canonical(row['payload'])):
            stop(f'{where}: event {e["seq"]} was edited, moved, inserted, or one before it deleted')
        if (count == 0) != (e['event_type'] == 'chain.start'):
            stop(f'{where}: a chain begins with chain.start and has only one')
        if count == 0:
            keys.append(base64.b64decode(row['payload']['key_spki']))
            if trusted and keys[0] not in trusted:
                stop(f'{where}: key {names(keys)} is not among the given ones')
        if e['event_type'] == 'key.rotate':
            replaced.append(keys[-1])
            keys.append(handed_over(e, row['payload'], keys[-1], keys, revoked))
        instance, previous, count = e['component_instance_id'], sha(b'\0', canonical(e)), count + 1
        peaks.append((0, previous))
        while len(peaks) > 1 and peaks[-1][0] == peaks[-2][0]:
            (height, left), (_, right) = peaks[-2:]
            peaks[-2:] = [(height + 1, sha(b'\x01', left, right))]
    if not count or covered != count:
        stop(f'{count - covered} of {count} events are behind the last checkpoint')
    return f'{count} events of {instance}, signed by {names(keys)}' + ('' if trusted else ' (announced by the chain itself)')


def proof(path, event, trusted, revoked):
    head, note = open(path, 'rb').read().split(b'\n\n', 1)
    form, index, *hashes = head.split(b'\n')
    row = parse(open(event, 'rb').read(), event)
    e = row['envelope']
    if form != b'c2sp.org/tlog-proof@v1' or index != b'index %d' % e['seq']:
        stop(f'{path} is not the proof of event {e["seq"]}')
    if not commits(e, canonical(row['payload'])):
        stop(f'{event} was edited')
    size, root, signers = opened(note, e['component_instance_id'], trusted, revoked, path)
    node, at, last = sha(b'\0', canonical(e)), e['seq'], size - 1  # RFC 9162 section 2.1.3.2
    for sibling in map(base64.b64decode, hashes):
        if last == 0:
            stop(f'{path}: the path is too long')
        if at & 1 or at == last:
            node = sha(b'\x01', sibling, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha(b'\x01', node, sibling)
        at, last = at >> 1, last >> 1
    if e['seq'] >= size or last or node != root:
        stop(f'event {e["seq"]} is not in the tree over {size} events')
    return f'event {e["seq"]} of {e["component_instance_id"]}, in the tree over {size} events, signed by {names(signers)}'


def main(arguments):
    revoked = {}
    while arguments[:1] == ['--revoked']:
        key, seq = arguments[1].split(':')
        revoked[key] = min(int(seq), revoked.get(key, int(seq)))
        arguments = arguments[2:]
    single = arguments[:1] == ['--proof']
    keys = [base64.b64decode(''.join(open(f).read().splitlines()[1:-1])) for f in arguments[3 if single else 1:]]
    try:
        print('intact:', proof(arguments[1], arguments[2], keys, revoked) if single else chain(arguments[0], keys, revoked))
    except (IndexError, KeyError, TypeError, ValueError) as error:
        stop(f'a part is missing or unreadable ({error})')


main(sys.argv[1:])
