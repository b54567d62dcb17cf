# Finds out whether the node keeps what the roles promise, by looking at the node and not at what the roles did.
#
# Run by `python3 -c`; its one argument is JSON, its output is a list of {name, kept, detail} in one
# line of JSON. Changes nothing.

import json
import socket
import subprocess
import sys
import time


def run(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def name(wanted):
    seen = socket.gethostname()
    return seen == wanted, seen


def clock(now, most):
    off = round(time.time() - now)
    return abs(off) <= most, f"{off} s off"


def kernel(wanted):
    wrong = []
    for key, value in wanted.items():
        try:
            with open("/proc/sys/" + key.replace(".", "/")) as file:
                seen = file.read().strip()
        except OSError as error:
            seen = error.strerror
        if seen != str(value):
            wrong.append(f"{key} is {seen}, not {value}")
    return not wrong, "; ".join(wrong) or f"{len(wanted)} settings in effect"


def engine():
    kept, said = run("systemctl", "show", "--property=ActiveState,UnitFileState", "docker.service")
    states = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    wanted = {"ActiveState": "active", "UnitFileState": "enabled"}
    return kept and states == wanted, "docker.service is " + " and ".join(states.values())


def containers():
    limits = ["--network=none", "--read-only", "--cap-drop=ALL", "--pull=never", "--log-driver=none"]
    return run("docker", "run", "--rm", *limits, "roost/proof:latest", "/bin/busybox", "echo", "a container ran offline")


def main():
    wanted = json.loads(sys.argv[1])
    looks = {"clock is right": lambda: clock(wanted["now"], wanted["clock_s"])}
    if wanted["hostname"]:
        looks["node has its own name"] = lambda: name(wanted["hostname"])
    if wanted["sysctl"]:
        looks["kernel settings are in effect"] = lambda: kernel(wanted["sysctl"])
    if wanted["docker"]:
        looks["container engine is active and enabled"] = engine
        looks["containers run offline"] = containers
    found = [(promise, look()) for promise, look in looks.items()]
    print(json.dumps([{"name": promise, "kept": kept, "detail": detail} for promise, (kept, detail) in found]))


main()
