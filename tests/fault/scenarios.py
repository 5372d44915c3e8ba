"""What happens to a database and its surroundings, one scenario each."""
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from harness import ROOT, Found, Sensor


class Proxy(threading.Thread):
    """Stands before the database's socket: passes bytes on, slowly, not at all, or in one direction only."""

    def __init__(self, machine):
        super().__init__(daemon=True)
        self.target = machine.admin.split("host=")[1].split()[0] + "/.s.PGSQL.5432"
        self.mode = "pass"  # slow, mute, half
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        port = self.listener.getsockname()[1]
        self.conninfo = f"host=127.0.0.1 port={port} user=probe1 dbname=postgres sslmode=disable gssencmode=disable connect_timeout=2"
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            server.connect(self.target)
            while True:
                for ready in select.select([client, server], [], [], 0.1)[0]:
                    while self.mode == "mute" or (self.mode == "half" and ready is server):
                        time.sleep(0.05)
                    if self.mode == "slow":
                        time.sleep(0.02)
                    data = ready.recv(1024 if self.mode == "slow" else 65536)
                    if not data:
                        return
                    (server if ready is client else client).sendall(data)
        except OSError:
            pass
        finally:
            client.close()
            server.close()


def network(machine, counts):
    """A slow, mute and half-open server holds nobody up; everything arrives once it is well. SIGTERM ends the sensor within 10 s."""
    proxy = Proxy(machine)
    sensor = Sensor(machine, conninfo=proxy.conninfo)
    done = 0
    for mode in ["slow", "mute", "half"] * (1 if counts.short else 10):
        proxy.mode = "pass"
        before = sensor.stored()
        sensor.start()
        sensor.until(lambda: sensor.stored() > before + 5)
        proxy.mode = mode
        time.sleep(machine.random.uniform(0.2, 3))
        began = time.monotonic()
        sensor.stop()
        if time.monotonic() - began > 10:
            raise Found(f"{mode}: {time.monotonic() - began:.0f} s to stop")
        done += 1
        yield done
    proxy.mode = "pass"
    sensor.settle()
    sensor.check()


def restored(machine, counts):
    """The database is put back to an older dump, or emptied, under a running sensor: it is served again, nothing is missing."""
    for done in range(1, 2 if counts.short else 11):
        sensor = Sensor(machine)
        sensor.start()
        sensor.until(lambda: sensor.stored() > 20)
        machine.save()
        sensor.until(lambda: sensor.stored() > 60)
        machine.put_back()
        before = sensor.stored()
        sensor.until(lambda: sensor.stored() > before + 20, seconds=60)
        time.sleep(0.5)
        sensor.stop()
        sensor.settle()
        sensor.check()
        yield done


def copies(machine, counts):
    """Two sensors on two copies of one spool: one history is stored, the fork is seen, and the copy deletes nothing."""
    for done in range(1, 2 if counts.short else 11):
        sensor = Sensor(machine)
        sensor.settle()
        copy = machine.work / f"copy{done}"
        shutil.copytree(sensor.spool, copy / sensor.instance)
        sensor.settle()
        kept = sorted(path.name for path in (copy / sensor.instance).glob("*.seg"))
        sensor.start(root=copy)
        sensor.wait(allowed=(5,))
        # With the database away it cannot know: it begins, and is stopped once it is back.
        conninfo, sensor.conninfo = sensor.conninfo, "host=/nonexistent dbname=x"
        sensor.start(root=copy)
        time.sleep(1)
        sensor.stop()
        sensor.conninfo = conninfo
        sensor.start(root=copy)
        sensor.wait(allowed=(5,))
        if kept != sorted(path.name for path in (copy / sensor.instance).glob("*.seg")):
            raise Found("a copy deleted segments")
        if machine.sql(f"select state from re_view.probe_status where component_instance_id = '{sensor.instance}'") != "forked":
            raise Found("nobody sees the fork")
        sensor.settle()
        sensor.check(violations=2)
        yield done


def clocks(machine, counts):
    """The wall clock is set forth and back while the sensor runs: the chain holds, heartbeats come."""
    sensor = Sensor(machine)
    sensor.start()
    hour = 3_600 * 10**9
    for done in range(1, 5 if counts.short else 101):
        machine.state["clock_ns"] = machine.random.choice([-1, 1]) * machine.random.randint(1, 20) * machine.random.choice([hour // 3600, hour, 24 * hour])
        beats = f"select count(*) from re_dpi.heartbeat where component_instance_id = '{sensor.instance}'"
        before = int(machine.sql(beats))
        sensor.until(lambda: int(machine.sql(beats)) > before, seconds=60)
        yield done
    sensor.stop()
    machine.state["clock_ns"] = 0
    sensor.settle()
    sensor.check()


def full(machine, counts):
    """The disk is full, the cap is reached while the database is away; both end: everything sealed arrives, everything shed is told."""
    for done in range(1, 2 if counts.short else 6):
        sensor = Sensor(machine, **{"spool.cap_mib": 16, "spool.keep_acked_mib": 2})
        sensor.settle()
        away, sensor.conninfo = sensor.conninfo, "host=/nonexistent dbname=x"
        sensor.start(errors={"ENOSPC": 0.5})
        time.sleep(4)
        machine.state["quiet"] = 1
        time.sleep(2)
        sensor.stop()
        sensor.conninfo = away
        sensor.settle()
        sensor.check()
        yield done


def members(machine, counts):
    """Every member that docs/events.md promises is written by somebody: replays, a sensor with a database, a disk that fails, a clock
    that is set, a kill, a new configuration."""
    written = []
    captures = machine.work / "captures"
    subprocess.run([machine.probe, "spec", "build", "--to", captures], cwd=ROOT, check=True, capture_output=True)
    corpus = pathlib.Path(os.environ.get("DPI_PCAPS", ROOT / "../shared/pcaps"))
    for number, folder in enumerate([captures, corpus]):
        small = sorted(path for path in folder.glob("**/*.pcap*") if path.stat().st_size < 300_000)
        if not small:
            continue
        written.append(machine.work / f"replay{number}.jsonl")
        # Some are damaged on purpose; the others are read all the same.
        subprocess.run([machine.probe, "replay", *small, "--out", f"jsonl:{written[-1]}"], capture_output=True, timeout=200)
    # Floods of each kind, and a table that is too small for one.
    flood = machine.work / "flood.pcap"
    for kind, setting in (("scan", "flow.scan_flows=100"), ("flood", "flow.scan_flows=100"), ("any", "flow.flows_max=32")):
        written.append(machine.work / f"{kind}.jsonl")
        subprocess.run([sys.executable, ROOT / "tests/support/make_flood.py", kind, "5000", flood], check=True)
        subprocess.run([machine.probe, "replay", flood, "--set", setting, "--out", f"jsonl:{written[-1]}"], capture_output=True, timeout=200)
    sensor = Sensor(machine, **{"heartbeat.interval_s": None})
    config = machine.work / "dpi.toml"

    def start(**arguments):
        config.write_text("[heartbeat]\ninterval_s = 1\n")
        written.append(machine.work / f"live{len(written)}.jsonl")
        sensor.start(more=("-c", str(config), "--out", f"jsonl:{written[-1]}"), **arguments)

    machine.state["rate"] = 20
    start()
    sensor.until(lambda: sensor.stored() > 30)
    machine.state["clock_ns"] = 3 * 10**9
    config.write_text("[heartbeat]\ninterval_s = 2\n")
    sensor.process.send_signal(signal.SIGHUP)
    time.sleep(3)
    sensor.kill()
    machine.state["quiet"] = 1
    start(errors={"ENOSPC": 0.9})
    before = sensor.stored()
    sensor.until(lambda: sensor.stored() > before)
    machine.state["quiet"] = 0
    time.sleep(8)
    machine.state["quiet"] = 1
    time.sleep(4)
    sensor.stop()
    machine.state["quiet"] = 0
    start()
    sensor.until(lambda: sensor.stored() > 30)
    time.sleep(2)
    sensor.stop()
    done = subprocess.run([sys.executable, ROOT / "tests/fault/members.py", ROOT / "docs/events.md", *written], capture_output=True, text=True)
    if done.returncode != 0:
        raise Found(done.stdout)
    yield done.stdout.strip()


ALL = [network, restored, copies, clocks, full, members]
