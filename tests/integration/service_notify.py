#!/usr/bin/env python3
"""service_notify.py PROBE CONFIG: plays the service manager of one `PROBE run -c CONFIG --out spool` and fails at the first word that is missing.

Listens on NOTIFY_SOCKET, gives a standard error that JOURNAL_STREAM names, stops the capture thread alone (ptrace) until the watchdog falls silent.
"""
import ctypes
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

WATCHDOG_S = 8
PATIENCE_S = 30  # of every stage but the shipper: probe/app/service.cpp
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207


def fail(text):
    sys.exit(f"FAILED: {text}")


class Manager:
    """The manager's end of the socket; every message with the time of its arrival."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.messages = []

    def receive(self, patience):
        self.socket.settimeout(max(patience, 0.01))
        try:
            text = self.socket.recv(4096).decode()
        except TimeoutError:
            return None
        self.messages.append((time.monotonic(), text.split("\n")))
        return self.messages[-1]

    def listen(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.receive(left)

    def await_field(self, name, seconds):
        """The first new message with NAME=…, as a dictionary."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            got = self.receive(left)
            fields = dict(line.split("=", 1) for line in got[1]) if got else {}
            if name in fields:
                return fields
        return fail(f"no {name}= within {seconds} s; got {[m for _, m in self.messages[-5:]]}")

    def count(self, line, since):
        return sum(line in fields for at, fields in self.messages if at >= since)


def started(probe, arguments, error, environment):
    """The probe with `error` as its journal."""
    file = open(error, "w")
    stat = os.fstat(file.fileno())
    return subprocess.Popen([probe, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file,
                            env=os.environ | environment | {"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"})


def check_journal(error, wanted):
    lines = pathlib.Path(error).read_text().splitlines()
    for line in lines:
        if not re.fullmatch(r'<[3-6]>event=[a-z_]+ message=("([^"\\]|\\.)*"|[^ "]+)( [a-z_]+=("([^"\\]|\\.)*"|[^ "]+))*', line):
            fail(f"not a line for the journal: {line}")
    for event in wanted:
        if not any(re.match(rf"<[3-6]>event={event}\b", line) for line in lines):
            fail(f"nobody says event={event}: {lines}")


def await_line(error, text, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if text in pathlib.Path(error).read_text():
            return
        time.sleep(0.1)
    fail(f"nobody says {text} within {seconds} s: {pathlib.Path(error).read_text()}")


def check_rights(pid):
    status = dict(re.findall(r"^(\w+):\s+(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M))
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd"):
        if int(status[name], 16) != 0:
            fail(f"{name} {status[name]}")
    if (status["NoNewPrivs"], status["Seccomp"]) != ("1", "2"):
        fail(f"NoNewPrivs {status['NoNewPrivs']}, Seccomp {status['Seccomp']}")


def capture_thread(pid):
    """It alone waits in poll or ppoll for a limited time; the metrics server waits for ever, everybody else on futexes or in sigtimedwait."""
    for _ in range(200):
        found = []
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            words = (task / "syscall").read_text().split()
            if words[0] in ("7", "271", "73") and int(task.name) != pid and int(words[3], 16) not in (0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF):
                found.append(int(task.name))
        if len(found) == 1:
            return found[0]
        time.sleep(0.01)
    return fail("the capture thread is not to be found")


def ptrace(request, thread):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, thread, None, None) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def health(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def freeze_capture(manager, pid, error, port):
    thread = capture_thread(pid)
    try:
        ptrace(PTRACE_SEIZE, thread)
        ptrace(PTRACE_INTERRUPT, thread)
    except OSError as why:
        print(f"skipped: a frozen stage (ptrace: {why}); tests/unit/service/liveness_test.cpp has it without threads")
        return
    os.waitpid(thread, 0x40000000)  # __WALL
    frozen = time.monotonic()
    manager.listen(PATIENCE_S - 4)
    if manager.count("WATCHDOG=1", frozen) < 3 or "stage_stuck" in pathlib.Path(error).read_text():
        fail("impatient with a stage that has not moved for less than 30 s")
    manager.listen(5)
    await_line(error, "event=stage_stuck message=\"stage capture0 makes no progress\" stage=capture0", 10)
    stuck = time.monotonic()
    code, text = health(port)
    if code != 503 or "stage capture0 is stuck" not in text:
        fail(f"/healthz {code}: {text}")
    manager.listen(1.5 * WATCHDOG_S)
    if manager.count("WATCHDOG=1", stuck + 0.5) != 0:
        fail("watchdog goes on though a stage is stuck")
    ptrace(PTRACE_DETACH, thread)
    await_line(error, "event=stage_moves message=\"stage capture0 makes progress again\" stage=capture0", 5)
    manager.await_field("WATCHDOG", WATCHDOG_S)
    if health(port) != (200, "ok\n"):
        fail(f"/healthz after it moved: {health(port)}")


def main(probe, config):
    manager = Manager("notify.sock")
    watched = {"NOTIFY_SOCKET": os.path.abspath(manager.path), "WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000)}

    # What cannot even start says so to the journal, too; the manager hears nothing.
    bad = started(probe, ["run", "-c", config, "-i", "nosuch0", "--out", "spool"], "bad.log", watched)
    if bad.wait(30) != 3:
        fail(f"exit {bad.returncode} without its interface")
    check_journal("bad.log", ["failed"])
    manager.listen(0.2)
    if manager.messages:
        fail(f"said to the manager: {manager.messages}")

    process = started(probe, ["run", "-c", config, "--out", "spool"], "probe.log", watched)
    try:
        ready = manager.await_field("READY", 60)
        if ready["READY"] != "1" or "packets" not in ready.get("STATUS", ""):
            fail(f"READY without a status: {ready}")
        check_rights(process.pid)
        port = re.search(r"event=metrics .* port=(\d+)", pathlib.Path("probe.log").read_text())[1]
        began = time.monotonic()
        manager.listen(2 * WATCHDOG_S)
        if manager.count("WATCHDOG=1", began) < 4:
            fail(f"too few signs of life: {manager.messages}")

        before = time.monotonic_ns() // 1000
        process.send_signal(signal.SIGHUP)
        reloading = manager.await_field("RELOADING", 10)
        if reloading["RELOADING"] != "1" or not before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000:
            fail(f"RELOADING: {reloading} after {before}")
        manager.await_field("READY", 10)

        freeze_capture(manager, process.pid, "probe.log", port)

        process.send_signal(signal.SIGTERM)
        stopping = manager.await_field("STOPPING", 10)
        if stopping["STOPPING"] != "1" or stopping.get("STATUS") != "stopping: signal":
            fail(f"STOPPING: {stopping}")
        if process.wait(60) != 0:
            fail(f"exit {process.returncode}")
    finally:
        process.kill()
    check_journal("probe.log", ["capturing", "metrics", "reloaded", "stopping"])
    print("the service manager was told everything")


main(*sys.argv[1:])
