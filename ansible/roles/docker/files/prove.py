# Proves that the engine runs containers, without a registry: an image of busybox and its libraries, made on the node.
#
# Read from standard input by python3. The image is named by what is in it, so it is imported once; the container runs
# each time. Says `imported` where something was changed. /proc, networks and a registry are not needed.

import hashlib
import io
import re
import shutil
import subprocess
import sys
import tarfile

WORD = "contained"


def fail(said, remedy):
    sys.exit(f"{said}. Remedy: {remedy}")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, **options)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        fail(f"{' '.join(command[:2])}: {said[-1] if said else done.returncode}", "journalctl -u docker -u containerd")
    return done.stdout.decode()


def libraries(program):
    done = subprocess.run(["ldd", program], capture_output=True, text=True)
    return re.findall(r"(/\S+) \(0x", done.stdout) if done.returncode == 0 else []


def image(program):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
        for source in [program, *libraries(program)]:
            with open(source, "rb") as file:
                content = file.read()
            entry = tarfile.TarInfo("bin/busybox" if source == program else source.lstrip("/"))
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def main():
    program = shutil.which("busybox")
    if program is None:
        fail("busybox is not installed", "add busybox to the node's image: roost image build")
    archive = image(program)
    name = f"roost/proof:{hashlib.sha256(archive).hexdigest()[:12]}"
    known = subprocess.run(["docker", "image", "inspect", name], capture_output=True).returncode == 0
    if not known:
        run("docker", "import", "-", name, input=archive)
    limits = ["--network=none", "--read-only", "--cap-drop=ALL", "--pull=never", "--log-driver=none"]
    said = run("docker", "run", "--rm", *limits, name, "/bin/busybox", "echo", WORD)
    if said.strip() != WORD:
        fail(f"the container said {said!r}", "journalctl -u docker -u containerd")
    print("known" if known else "imported", name)


main()
