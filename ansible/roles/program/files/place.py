# Puts one program with its files and its unit in place, and sees to it that systemd runs it: all in one go, because
# each task costs an old machine a second or two.
#
# Run by `python3 -c`; standard input is JSON, because secrets are among it and a command line shows them to everybody.
# Nothing is fetched, written or restarted that is as it should be. Output is one line of JSON: `changed`, what of it
# was changed, or `failed` with its remedy; neither holds a secret. A program is served packed by zstd: its digest is
# checked before it is unpacked, and that of what came out before it gets its name.
#
# Roost mints certificates anew for each run. Those that are there stay while the key is the certificate's own, the new
# authority still vouches for both, they prove what the new ones prove and not more than a third of their life is over
# (nor do they end much later, as after the lifetime was shortened); else all three (authority, certificate, key) are
# replaced. What was renewed reaches the program by a reload, and counts as no change. `introductions` are written and
# nobody is told: who needs one reads it when it starts. All of these are {path, mode, content}, or lists of them.
#
# What the unit must still be told is noted before the first file changes, in /run: a run that is cut off leaves new
# files under an old process, and the next one, which finds every file right, could not know. A boot starts it anyway.
#
# Of `durable` folders nothing may lie in RAM: a server that forgets what it agreed to harms all others. A unit that
# `leaves` is told to end by TERM before its new files take effect, by which it gives its vote back; what it `forgets`
# goes while it does not run.

import hashlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

CHUNK = 1 << 20
FETCH_TIMEOUT_S = 60
TRIES = 3
OWED = "/run/roost-owed"
# The agents take less to leave, or give up.
LEAVE_S = 60
IN_RAM = ("tmpfs", "ramfs")


class Failed(Exception):
    pass


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-400:]
        logs = f" -u {command[-1]}" if command[-1].endswith(".service") else ""
        raise Failed(f"{' '.join(command)}: {said or done.returncode}. Remedy: journalctl{logs} on the node")
    return done.stdout.strip()


# What a unit is still to be told: nothing, `reload`, or `restart`, which is more.
class Owed:
    def __init__(self, unit):
        self.path = os.path.join(OWED, unit) if unit else None
        try:
            with open(self.path or os.devnull) as file:
                self.word = file.read()
        except FileNotFoundError:
            self.word = ""

    def note(self, word):
        if not self.path or self.word in ("restart", word):
            return
        os.makedirs(OWED, exist_ok=True)
        with open(self.path, "w") as file:
            file.write(word)
        self.word = word

    def settle(self):
        if self.path and os.path.exists(self.path):
            os.unlink(self.path)
        self.word = ""


def digest(path):
    seen = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                seen.update(chunk)
    except FileNotFoundError:
        return None
    return seen.hexdigest()


def fetch(urls, wanted, to):
    reasons = []
    for url in urls * TRIES:
        try:
            with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S) as answer, open(to, "wb") as file:
                shutil.copyfileobj(answer, file, CHUNK)
        except OSError as error:
            reasons.append(f"{url}: {error}")
            continue
        seen = digest(to)
        if seen == wanted:
            return
        raise Failed(
            f"{url} is not what Roost promised: its digest is {seen}, not {wanted}. "
            "Remedy: roost assets verify on the control node; if that is content, somebody is on the wire"
        )
    raise Failed(f"cannot fetch the program ({'; '.join(reasons[-len(urls):])}). Remedy: roost assets list")


def place_program(program, owed):
    path = program["path"]
    if digest(path) == program["sha256"]:
        return False
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    # Beside its place, so that the rename is one step; not in memory twice on a node whose root is in memory.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".roost-") as work:
        packed, unpacked = os.path.join(work, "packed"), os.path.join(work, "unpacked")
        fetch(program["urls"], program["packed"], packed)
        run("zstd", "--decompress", "--quiet", "--rm", packed, "-o", unpacked)
        seen = digest(unpacked)
        if seen != program["sha256"]:
            raise Failed(f"{path} would be {seen}, not {program['sha256']}. Remedy: roost assets adopt on the control node")
        os.chmod(unpacked, 0o755)
        owed.note("restart")
        os.replace(unpacked, path)
    return True


def place_folder(wanted):
    path, mode = wanted["path"], int(wanted["mode"], 8)
    os.makedirs(path, exist_ok=True)
    if os.stat(path).st_mode & 0o7777 != mode:
        os.chmod(path, mode)


def place_file(wanted, tell):
    path, mode, content = wanted["path"], int(wanted["mode"], 8), wanted["content"].encode()
    try:
        with open(path, "rb") as file:
            if file.read() == content and os.fstat(file.fileno()).st_mode & 0o7777 == mode:
                return False
    except FileNotFoundError:
        pass
    handle, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".roost-")
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)
        file.write(content)
    tell()
    os.replace(draft, path)
    return True


def kind_of(path):
    mounts = {}
    with open("/proc/self/mountinfo") as file:
        for line in file:
            own, _, rest = line.partition(" - ")
            mounts[own.split()[4].encode().decode("unicode_escape")] = rest.split()[0]
    while path not in mounts:
        path = os.path.dirname(path)
    return path, mounts[path]


# A live machine's root is RAM over a read-only image; what lies elsewhere lies on a disk, unless it says otherwise.
def outlives_a_reboot(path):
    (root, live), (at, kind) = kind_of("/"), kind_of(path)
    return kind not in IN_RAM and (at != root or live not in ("overlay", *IN_RAM))


def require_durable(paths):
    for path in paths:
        if not outlives_a_reboot(path):
            raise Failed(
                f"{path} would not outlive a reboot, and a server's data must. Remedy: roost node disk on the control "
                "node, and boot this one; or roost cluster demote"
            )


def place_all(wanted, tell):
    return [os.path.basename(file["path"]) for file in wanted if place_file(file, tell)]


def names_of(path):
    return run("openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", path)


def end_of(path):
    return ssl.cert_time_to_seconds(run("openssl", "x509", "-noout", "-enddate", "-in", path).partition("=")[2])


# They are written one after the other: one that was cut off there leaves a certificate beside another one's key.
def is_pair(certificate, key):
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key)
    except ssl.SSLError:
        return False
    return True


# By the new one: certificates begin before they are made, so that a slow clock does not matter, and end as long after
# as they live.
def is_fresh(authority, certificate, key):
    if not all(os.path.exists(part["path"]) for part in (authority, certificate, key)):
        return False
    with tempfile.TemporaryDirectory() as work:
        trusted, new = os.path.join(work, "authority"), os.path.join(work, "certificate")
        for path, part in ((trusted, authority), (new, certificate)):
            with open(path, "w") as file:
                file.write(part["content"])
        vouched = subprocess.run(["openssl", "verify", "-CAfile", trusted, certificate["path"]], capture_output=True)
        if vouched.returncode != 0 or not is_pair(certificate["path"], key["path"]):
            return False
        if names_of(new) != names_of(certificate["path"]):
            return False
        age, life = end_of(new) - end_of(certificate["path"]), end_of(new) - time.time()
    return abs(age) < life / 3


def renew(certificates, tell):
    if not certificates or is_fresh(**certificates):
        return []
    return place_all(certificates.values(), tell)


def leave(unit):
    pid = int(run("systemctl", "show", "--property=MainPID", "--value", unit) or 0)
    if pid == 0:
        return
    until = time.monotonic() + LEAVE_S
    try:
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < until:
            os.kill(pid, 0)
            time.sleep(0.2)
    except ProcessLookupError:
        return


def restart(unit, wanted):
    if wanted.get("leaves"):
        leave(unit)
    if gone := [path for path in wanted.get("forgets", ()) if os.path.isdir(path)]:
        run("systemctl", "stop", unit)
        for path in gone:
            shutil.rmtree(path)
    run("systemctl", "restart", unit)


def serve(unit, changed, owed, wanted):
    if owed.word:
        run("systemctl", "daemon-reload")
    shown = run("systemctl", "show", "--property=ActiveState,UnitFileState", unit)
    states = dict(line.split("=", 1) for line in shown.splitlines())
    if states.get("UnitFileState") != "enabled":
        run("systemctl", "enable", "--quiet", unit)
        changed.append("enabled")
    if states.get("ActiveState") != "active":
        restart(unit, wanted)
        changed.append("started")
    elif owed.word == "restart":
        restart(unit, wanted)
        changed += [] if changed else ["restarted"]
    elif owed.word:
        run("systemctl", "reload-or-restart", unit)
    owed.settle()


def main():
    wanted = json.load(sys.stdin)
    unit = wanted["unit"]
    owed = Owed(unit.get("name"))
    restart, reload, nobody = lambda: owed.note("restart"), lambda: owed.note("reload"), lambda: None
    for folder in wanted["folders"]:
        place_folder(folder)
    require_durable(wanted.get("durable", ()))
    changed = ["program"] if place_program(wanted["program"], owed) else []
    changed += place_all(wanted["files"], restart)
    renewed = renew(wanted["certificates"], reload) + place_all(wanted["credentials"], reload)
    place_all(wanted["introductions"], nobody)
    if unit:
        file = {"path": f"/etc/systemd/system/{unit['name']}", "mode": "644", "content": unit["content"]}
        changed += ["unit"] if place_file(file, restart) else []
        serve(unit["name"], changed, owed, wanted)
    print(json.dumps({"changed": changed, "renewed": renewed}))


try:
    main()
except Failed as error:
    print(json.dumps({"failed": str(error)}))
except (OSError, subprocess.TimeoutExpired) as error:
    print(json.dumps({"failed": f"{error}. Remedy: look at the node's space (df), a diskless one has it in memory"}))
