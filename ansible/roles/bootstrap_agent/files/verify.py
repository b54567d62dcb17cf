# Finds out whether the node keeps what the roles promise, by looking at the node and not at what the roles did.
#
# Run by `python3 -c`; its one argument is JSON, its output is a list of {name, kept, detail} in one
# line of JSON. Changes nothing.

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

CLIENT = "Nomad has a client"
CERTIFICATES = "certificates are valid"
# As OpenSSL, Consul and Nomad say that a certificate is refused for its dates.
OUT_OF_TIME = re.compile("certificate (is not yet valid|has expired)|expired certificate")


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


def utc(seconds):
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(seconds))


# The first end among the agents' certificates. Roost renews them by it.
def certificates(configs):
    ends = []
    for files in configs:
        known, said = run("openssl", "x509", "-noout", "-enddate", "-in", files["cert_file"])
        if not known:
            return None, said
        ends.append(ssl.cert_time_to_seconds(said.partition("=")[2]))
    return min(ends), f"until {utc(min(ends))}"


def by_the_clock():
    return (
        f". This machine's clock says {utc(time.time())}: where that is wrong set it (each run does, unless "
        "preflight_set_clock is off); where it is right the certificate was not renewed or not read again "
        "(systemctl restart consul nomad)"
    )


def ask(url, files, header=None):
    context = ssl.create_default_context(cafile=files["ca_file"])
    context.load_cert_chain(files["cert_file"], files["key_file"])
    request = urllib.request.Request(url, headers=header or {})
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        said = error.read(400).decode(errors="replace").strip()
        raise OSError(f"{said}{by_the_clock()}" if OUT_OF_TIME.search(said) else f"{error}: {said}") from error
    except urllib.error.URLError as error:
        raise OSError(f"{error.reason}{by_the_clock()}" if OUT_OF_TIME.search(str(error.reason)) else error) from error


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
    agents = [wanted["consul"]["tls"]["defaults"]] if wanted["consul"] else []
    agents += [wanted["nomad"]["tls"]] if wanted["nomad"] else []
    ends, seen = certificates(agents) if agents else (None, "")
    if agents:
        looks[CERTIFICATES] = lambda: (ends is not None and ends > time.time(), seen)
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
        if promise["name"] == CERTIFICATES and ends is not None:
            promise["certificates"] = ends
    print(json.dumps(told))


main()
