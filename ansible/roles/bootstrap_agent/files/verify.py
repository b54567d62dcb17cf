# Finds out whether the node keeps what the roles promise, by looking at the node and not at what the roles did.
#
# Run by `python3 -c`; its one argument is JSON, its output is a list of {name, kept, detail} in one
# line of JSON. Changes nothing.

import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request

CLIENT = "Nomad has a client"


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


def ask(url, files, header=None):
    context = ssl.create_default_context(cafile=files["ca_file"])
    context.load_cert_chain(files["cert_file"], files["key_file"])
    request = urllib.request.Request(url, headers=header or {})
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        return json.load(answer)


# Until it is so or the time is over; the last look counts.
def patiently(look, until):
    while True:
        try:
            kept, detail = look()
        except (OSError, ValueError, LookupError) as error:
            kept, detail = False, str(error)
        if kept or time.monotonic() >= until:
            return kept, detail
        time.sleep(1)


# Its token is read from where the agent has it: what comes with the command line is seen by everybody.
def member(config):
    files = config["tls"]["defaults"]
    with open(os.path.join(os.path.dirname(files["ca_file"]), "secrets.json")) as file:
        header = {"X-Consul-Token": json.load(file)["acl"]["tokens"]["agent"]}
    base = f"https://127.0.0.1:{config['ports']['https']}/v1"
    leader = ask(f"{base}/status/leader", files, header)
    if not leader:
        return False, "it knows no leader"
    own = [one for one in ask(f"{base}/agent/members", files, header) if one["Name"] == config["node_name"]]
    alive = len(own) == 1 and own[0]["Status"] == 1
    return alive, f"{config['node_name']} is {'alive' if alive else 'not alive'}, the leader is {leader}"


def client(config):
    health = ask(f"https://127.0.0.1:{config['ports']['http']}/v1/agent/health?type=client", config["tls"])["client"]
    if not health["ok"]:
        return False, health["message"]
    with open(os.path.join(config["data_dir"], "client/client-id")) as file:
        return True, file.read().strip()


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
    until = time.monotonic() + wanted["join_s"]
    if wanted["consul"]:
        looks["Consul is a member of the cluster"] = lambda: patiently(lambda: member(wanted["consul"]), until)
    if wanted["nomad"] and wanted["nomad"]["client"]["enabled"]:
        # Roost takes the id from here and wants the servers to know it by the same.
        looks[CLIENT] = lambda: patiently(lambda: client(wanted["nomad"]), until)
    found = [(promise, look()) for promise, look in looks.items()]
    told = [{"name": promise, "kept": kept, "detail": detail} for promise, (kept, detail) in found]
    for promise in told:
        if promise["name"] == CLIENT and promise["kept"]:
            promise["nomad"] = promise["detail"]
    print(json.dumps(told))


main()
