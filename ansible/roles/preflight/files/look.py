# Looks at everything that the preflight checks judge, in one go: each task costs an old machine a second or two.
#
# Run by `python3 -c` on the node; its one argument is JSON, its output is one line of JSON. Changes
# nothing but a file that it makes and removes in each folder that must be writable.

import json
import os
import socket
import sys
import tempfile
import time

CONNECT_TIMEOUT_S = 5
RETRY_S = 1


def memory_mib():
    with open("/proc/meminfo") as lines:
        return int(next(line for line in lines if line.startswith("MemTotal:")).split()[1]) // 1024


def free_mib(path):
    while not os.path.exists(path):
        path = os.path.dirname(path)
    stat = os.statvfs(path)
    return stat.f_bavail * stat.f_frsize // 1024**2


def unwritable(path):
    try:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".roost-"):
            return None
    except OSError as error:
        return error.strerror


def unreached(target, deadline):
    host, _, port = target.rpartition(":")
    while True:
        try:
            socket.create_connection((host, int(port)), CONNECT_TIMEOUT_S).close()
            return None
        except (OSError, ValueError) as error:
            if time.monotonic() >= deadline:
                return str(error)
        time.sleep(RETRY_S)


def problems(look, entries):
    seen = {entry: look(entry) for entry in entries}
    return {entry: problem for entry, problem in seen.items() if problem}


def main():
    wanted = json.loads(sys.argv[1])
    # Before anything that may wait.
    clock_off_s = round(time.time() - wanted["now"])
    free = {path: free_mib(path) for path in wanted["free_mib"]}
    deadline = time.monotonic() + wanted["reach_s"]
    seen = {
        "memory_mib": memory_mib(),
        "free_mib": free,
        "short": sorted(path for path, least in wanted["free_mib"].items() if free[path] < least),
        "unwritable": problems(unwritable, wanted["writable"]),
        "unreached": problems(lambda target: unreached(target, deadline), wanted["reach"]),
        "hostname": socket.gethostname(),
        "clock_off_s": clock_off_s,
    }
    print(json.dumps(seen))


main()
