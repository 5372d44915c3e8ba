"""What every fault test stands on: a database, a sensor of the real binary on `lo` of a network namespace of its own, the preload,
and the oracle: sealed = stored, once, in order; acknowledged = durable; shed = told."""
import ctypes
import mmap
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
ERRORS = ["EIO", "ENOSPC", "EDQUOT", "EMFILE", "EINTR", "SHORT", "SYNC", "FOLDERSYNC"]
CUT = 137
# Answers of the sensor that say: nothing is wrong with this chain. 4: an output failed, everything is kept.
ENDED_WELL = (0, 4, CUT, -signal.SIGKILL)


class Found(Exception):
    """A promise was broken."""


def into_namespace():
    """Starts this script again where `lo` is its own."""
    if os.environ.get("FAULT_INSIDE") == "1":
        return
    os.environ["FAULT_INSIDE"] = "1"
    inside = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-Urn"]
    if subprocess.run(inside + ["ip", "link", "set", "lo", "up"], capture_output=True).returncode != 0:
        print("skipped: network namespaces are not allowed here")
        sys.exit(77)
    os.execvp(inside[0], inside + ["sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, *sys.argv])


class State:
    """The numbers that the preload shares (tests/fault/preload/settings.h)."""
    FIELDS = ["quiet", "clock_ns", "rate", "operations", "cuts", "sectors_lost", "names_lost", *ERRORS]

    def __init__(self, path):
        with open(path, "w+b") as file:
            file.truncate(8 * len(self.FIELDS))
            self.memory = mmap.mmap(file.fileno(), 8 * len(self.FIELDS))
        self.path = path

    def __getitem__(self, name):
        return struct.unpack_from("<q", self.memory, 8 * self.FIELDS.index(name))[0]

    def __setitem__(self, name, value):
        struct.pack_into("<q", self.memory, 8 * self.FIELDS.index(name), value)


def dns(number, answer):
    name = b"".join(bytes([len(label)]) + label for label in (b"n%d" % number, b"example", b"test")) + b"\0"
    head = struct.pack(">HHHHHH", number % 65536, 0x8180 if answer else 0x0100, 1, 1 if answer else 0, 0, 0)
    question = name + b"\0\1\0\1"
    return head + question + (b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if answer else b"")


class Traffic(threading.Thread):
    """DNS exchanges on lo: each makes an event at once."""

    def __init__(self, pairs_a_second):
        super().__init__(daemon=True)
        self.pause = 1 / pairs_a_second
        self.pairs = 0
        self.going = True

    def run(self):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", 53))
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.bind(("127.0.0.1", 0))
        while self.going:
            for _ in range(10):
                self.pairs += 1
                client.sendto(dns(self.pairs, False), ("127.0.0.1", 53))
                server.sendto(dns(self.pairs, True), client.getsockname())
                server.recv(2048)
                client.recv(2048)
            time.sleep(10 * self.pause)


class Machine:
    """A database and the probes that write to it."""

    def __init__(self, probe, preload, seed):
        self.probe = str(pathlib.Path(probe).resolve())
        self.preload = str(pathlib.Path(preload).resolve())
        self.random = random.Random(seed)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="dpi-fault.", dir=os.environ.get("FAULT_WORK", "/dev/shm")))
        self.work.chmod(0o755)
        self.pg = self.work / "pg"
        self.admin = self.tool("start")
        # The database's own durability is not what is tested; it survives the kills of its processes.
        self.sql("alter system set fsync = off", "alter system set full_page_writes = off", "select pg_reload_conf()")
        self.command("schema", "apply", "-d", self.admin)
        self.sql("create role probe1 login", "grant re_probe to probe1", "select re_core.create_tenant('default')")
        self.state = State(self.work / "state")
        self.key = self.work / "key.pem"
        self.command("keys", "generate", str(self.key))
        (self.work / "key.pub").write_text(self.command("keys", "show", "--public", str(self.key)))
        self.processes = []

    def end_sensors(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def close(self):
        self.end_sensors()
        self.tool("clean")
        shutil.rmtree(self.work, ignore_errors=True)

    def tool(self, what):
        return subprocess.run([ROOT / "tools/private-postgres", what, self.pg], check=True, capture_output=True, text=True).stdout.strip()

    def command(self, *arguments, wanted=0):
        done = subprocess.run([self.probe, *arguments], capture_output=True, text=True, timeout=300)
        if done.returncode != wanted:
            raise Found(f"exit {done.returncode}: {' '.join(arguments)}: {done.stdout[-500:]}{done.stderr[-1500:]}")
        return done.stdout

    def alone(self, *statements):
        """With nobody in the database, from beside it."""
        before = self.admin
        self.admin = before.replace("dbname=postgres", "dbname=template1")
        try:
            self.sql("alter database postgres with allow_connections false",
                     "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'postgres'")
            time.sleep(0.1)
            self.sql(*statements)
            self.sql("alter database postgres with allow_connections true")
        finally:
            self.admin = before

    def save(self):
        self.alone("drop database if exists saved", "create database saved template postgres")

    def put_back(self):
        self.alone("drop database postgres with (force)", "alter database saved rename to postgres")

    def sql(self, *statements):
        arguments = [word for statement in statements for word in ("-c", statement)]
        done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", self.admin, *arguments],
                              capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.strip()

    @property
    def writer(self):
        return self.admin.replace("user=postgres", "user=probe1")


class Sensor:
    """One enrolled probe with its spool."""
    DEFAULTS = {
        "heartbeat.interval_s": 1, "signing.checkpoint_ms": 10, "signing.checkpoint_events": 32, "workers.count": 1, "capture.ring_mib": 8,
        "service.metrics": "", "spool.segment_mib": 1, "spool.keep_acked_mib": 8, "spool.cap_mib": 64,
    }

    def __init__(self, machine, conninfo=None, **settings):
        self.machine = machine
        machine.sql("select re_core.retire_instance(component_instance_id, 'done') from re_core.component_instance where re_core.instance_is_active(component_instance_id)")
        key = machine.work / f"key{machine.random.getrandbits(64):x}.pem"
        machine.command("keys", "generate", str(key))
        self.trust = key.with_suffix(".pub")
        self.trust.write_text(machine.command("keys", "show", "--public", str(key)))
        self.instance = machine.command("keys", "enrol", str(key), "--role", "probe1", "-d", machine.admin).split()[0]
        self.key = key
        self.root = machine.work / "spools"
        self.spool = self.root / self.instance
        self.conninfo = conninfo or machine.writer
        self.settings = {**self.DEFAULTS, **settings}
        self.process = None
        self.log = machine.work / "sensor.log"

    def start(self, cut_at=0, errors=None, out="postgres", root=None, more=()):
        machine = self.machine
        asked = {"probe.instance": self.instance, "signing.key": self.key, "spool.dir": root or self.root,
                 "database.conninfo": self.conninfo, **self.settings}
        environment = {**os.environ, "LD_PRELOAD": machine.preload, "FAULT_DIR": str(root or self.root), "FAULT_STATE": str(machine.state.path),
                       "FAULT_SEED": str(machine.random.getrandbits(60)), "FAULT_CUT_AT": str(cut_at),
                       "FAULT_ERRORS": ",".join(f"{name}={p}" for name, p in (errors or {}).items())}
        arguments = [machine.probe, "run", "-i", "lo", "--no-sandbox", "--out", out, *more]
        for name, value in asked.items():
            if value is None:
                continue
            arguments += ["--set", f"{name}={value}"]
        self.output = open(self.log, "ab")
        self.output.write(b"---- start\n")
        self.output.flush()
        self.process = subprocess.Popen(arguments, stdout=self.output, stderr=self.output, env=environment, stdin=subprocess.DEVNULL)
        machine.processes = [other for other in machine.processes if other.poll() is None] + [self.process]
        return self

    def wait(self, seconds=60, allowed=ENDED_WELL):
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise Found(f"stuck: still there after {seconds} s; {self.said()}") from None
        finally:
            self.output.close()
        if code not in allowed:
            raise Found(f"exit {code}; {self.said()}")
        return code

    def stop(self, **wait):
        self.process.send_signal(signal.SIGTERM)
        return self.wait(**wait)

    def kill(self):
        self.process.kill()
        return self.wait()

    def said(self):
        return self.log.read_bytes()[-1500:].decode(errors="replace")

    def stored(self):
        return int(self.machine.sql(f"select next_seq from re_raw.chain_head where component_instance_id = '{self.instance}'") or 0)

    def until_database(self, seconds=30):
        """Its processes were killed: it recovers."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.stored()
            except RuntimeError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def until(self, what, seconds=30):
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                raise Found(f"not within {seconds} s; {self.said()}")
            if self.process.poll() is not None:
                raise Found(f"exit {self.process.returncode}; {self.said()}")
            time.sleep(0.05)

    def settle(self):
        """A run without faults: everything that was sealed gets out, and it ends in order."""
        self.machine.state["quiet"] = 1
        before = self.stored()
        for _ in range(20):
            self.start()
            self.until(lambda: self.stored() > before)
            time.sleep(0.3)
            if self.stop() == 0:  # else the database was too slow for it
                break
        else:
            raise Found(f"never ends in order; {self.said()}")
        self.machine.state["quiet"] = 0

    def check(self, gaps=0, violations=0):
        """The oracle, on a sensor that has ended. Gives the number of events."""
        machine = self.machine
        kept = machine.command("spool", "check", str(self.spool))
        machine.command("verify", str(self.spool), "--trust", str(self.trust), wanted=5 if gaps else 0)
        of = f"where component_instance_id = '{self.instance}'"
        head, stored, distinct, holes, refused = machine.sql(
            f"select (select next_seq from re_raw.chain_head {of}), (select count(*) from re_raw.raw_event {of}), "
            f"(select count(distinct seq) from re_raw.raw_event {of}), (select count(*) from re_raw.chain_gap {of}), "
            f"(select count(*) from re_raw.chain_violation {of})").split("|")
        spooled = int(kept.split("next sequence ")[1].split()[0])
        if int(head) != spooled:
            raise Found(f"{spooled} events were sealed, the database ends at {head}")
        if not gaps and (stored != head or distinct != head):
            raise Found(f"{stored} events ({distinct} sequence numbers) are stored of {head}")
        if int(holes) != gaps or int(refused) != violations:
            raise Found(f"{holes} gaps, {refused} violations")
        broken = machine.sql(f"select count(*) from re_raw.verify_chain('{self.instance}') where severity = 'tampered'")
        if broken != "0":
            raise Found("the chain is broken in the database")
        if not gaps:
            machine.command("verify", f"postgres:{machine.admin}", "--instance", self.instance, "--trust", str(self.trust))
        self.check_shed()
        return int(head)

    def check_shed(self):
        """Every event that heartbeats count as shed is in a loss.report, and the other way round."""
        of = f"where component_instance_id = '{self.instance}'"
        shed, told = self.machine.sql(
            f"select coalesce((select events_shed from re_dpi.heartbeat {of} order by seq desc limit 1), 0), "
            f"coalesce((select sum(e.count) from re_dpi.loss_report_event e {of}), 0)").split("|")
        if shed != told:
            raise Found(f"{shed} events were shed, {told} told")
