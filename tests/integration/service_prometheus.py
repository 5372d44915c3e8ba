#!/usr/bin/env python3
"""service_prometheus.py ROOT PROMETHEUS PROBE PID: a running probe (its host:port, its process) seen through a running Prometheus.

Every query of the dashboard gives data, every alert rule can be evaluated, nothing fires without cause, and a probe that is gone is noticed.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

# Families that a probe without a database, a canary or trouble does not have, and what a machine may be blamed for.
ABSENT = ("dpi_probe_reason_state", "dpi_service_stuck_state", "dpi_canary_", "dpi_database_", "dpi_decode_anomalies", "dpi_chain_unsigned_age_seconds")
MACHINE = {"DpiClockWrong", "DpiClockStepped", "DpiUnsandboxed"}


def fail(text):
    sys.exit(f"FAILED: {text}")


def get(url, accept=None):
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, answer.headers.get("Content-Type"), answer.read().decode()


class Prometheus:
    def __init__(self, address):
        self.address = address

    def api(self, path, **parameters):
        try:
            text = get(f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")[2]
        except urllib.error.HTTPError as error:
            text = error.read().decode()
        answer = json.loads(text)
        if answer["status"] != "success":
            fail(f"{path} {parameters}: {answer.get('error')}")
        return answer["data"]

    def query(self, expression):
        return self.api("query", query=expression)["result"]

    def await_(self, what, holds, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if holds():
                    return
            except (urllib.error.URLError, ConnectionError):
                pass  # it is starting
            time.sleep(0.2)
        fail(f"not within {seconds} s: {what}")

    def firing(self):
        return {alert["labels"]["alertname"] for alert in self.api("alerts")["alerts"] if alert["state"] == "firing"}


def check_endpoints(probe):
    for path in ("healthz", "readyz"):
        if get(f"http://{probe}/{path}")[::2] != (200, "ok\n"):
            fail(f"/{path}: {get(f'http://{probe}/{path}')}")
    kind, text = get(f"http://{probe}/metrics")[1:]
    lint = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
    if not kind.startswith("text/plain; version=0.0.4") or lint.returncode != 0 or lint.stdout + lint.stderr:
        fail(f"promtool check metrics: {kind} {lint.returncode} {lint.stdout}{lint.stderr}")
    # What promtool has no check for, Prometheus parses: it asks for OpenMetrics, and is strict with it.
    kind, text = get(f"http://{probe}/metrics", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")[1:]
    if not kind.startswith("application/openmetrics-text") or not text.endswith("# EOF\n"):
        fail(f"no OpenMetrics: {kind}")


def expressions(root):
    dashboard = json.loads((root / "config/grafana/ransomeye-dpi.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def check_names(root, texts):
    """A misspelt name of a family that may be absent gives no data for ever, and no error."""
    known = set(re.findall(r'"(dpi_[a-z0-9_]+)"', (root / "probe/service/heartbeat_metrics.cpp").read_text()))
    for text in texts:
        for name in re.findall(r"\bdpi_[a-z0-9_]+", text):
            if re.sub(r"_total$|_info$", "", name) not in known:
                fail(f"no such metric: {name}")


def check_dashboard(root, prometheus, instance):
    checked = 0
    for title, expression in expressions(root):
        for selected in (".*", instance):
            query = expression.replace("$instance", selected).replace("$__rate_interval", "10s").replace("$__range", "1m")
            if "$" in query:
                fail(f"{title}: unknown variable in {query}")
            if not prometheus.query(query) and not any(name in query for name in ABSENT):
                fail(f"{title}: no data for {query}")
            checked += 1
    return checked


def check_rules(prometheus):
    rules = [rule for group in prometheus.api("rules")["groups"] for rule in group["rules"]]
    for rule in rules:
        if rule["health"] != "ok":
            fail(f"{rule['name']}: {rule['health']} {rule.get('lastError')}")
    return rules


def check_runbooks(root, rules):
    text = (root / "docs/operations.md").read_text()
    for rule in rules:
        anchor = f'<a id="{rule["name"].lower()}"></a>{rule["name"]} '
        if rule["annotations"]["runbook"] != f"docs/operations.md#{rule['name'].lower()}" or anchor not in text:
            fail(f"{rule['name']}: no line in docs/operations.md")


def main(root, address, probe, pid):
    root = pathlib.Path(root)
    prometheus = Prometheus(address)
    prometheus.await_("scraped", lambda: prometheus.query('up{job="ransomeye-dpi"} == 1'))
    check_endpoints(probe)
    # Rates need a few samples, alerts their (shortened) time.
    prometheus.await_("20 samples", lambda: prometheus.query('count_over_time(up{job="ransomeye-dpi"}[5m]) >= 20'))
    prometheus.await_("all rules evaluated", lambda: all(r["health"] == "ok" for g in prometheus.api("rules")["groups"] for r in g["rules"]))
    rules = check_rules(prometheus)
    check_runbooks(root, rules)
    check_names(root, [e for _, e in expressions(root)] + [rule["query"] for rule in rules])
    queries = check_dashboard(root, prometheus, probe)
    seen = float(prometheus.query("sum(dpi_capture_offered_packets_total)")[0]["value"][1])
    if seen == 0 or not prometheus.query('dpi_capture_offered_packets_total == on (instance) sum by (instance) (dpi_capture_outcome_packets_total)'):
        fail(f"{seen} packets offered, and the outcomes do not add up")
    if prometheus.firing() - MACHINE:
        fail(f"firing without cause: {prometheus.firing()}")
    os.kill(int(pid), signal.SIGTERM)
    prometheus.await_("DpiProbeDown", lambda: "DpiProbeDown" in prometheus.firing())
    print(f"{queries} queries, {len(rules)} rules, {seen:.0f} packets")


main(*sys.argv[1:])
