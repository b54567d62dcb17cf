# What the scripts here share: saying things, steps with progress, the Rust toolchain and the cache. Sourced, not run.
#
# Slow things (node image, Ansible environment, cargo's output in CI, cargo-deny and the like) live in a cache outside
# the checkout, so that a clean checkout is warm. Rejected: a stamp file per step, which says what was done once and
# not what is there now.
# shellcheck shell=bash disable=SC2034  # what is assigned here is used there

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
rust_needed=1.95

say() { printf '%s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# The cache: /var/cache/roost for root (and for whoever may write there), else under the home directory.
cache_dir() {
    local dir=${ROOST_CACHE:-/var/cache/roost}
    if [[ -z ${ROOST_CACHE:-} && $(id -u) != 0 && ! -w $dir ]]; then
        dir=${XDG_CACHE_HOME:-$HOME/.cache}/roost
    fi
    mkdir -p "$dir" && printf '%s\n' "$dir"
}

# Runs a command whose output matters only when it fails; says how long it is taking.
#   step TEXT COMMAND...
step() {
    local text=$1 log pid start=$SECONDS told=0 rc=0
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    # A background job ignores Ctrl-C, so it is passed on.
    trap 'kill "$pid" 2>/dev/null; wait "$pid"; rm -f "$log"; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        if ((SECONDS - start >= 2 && SECONDS - start >= told + 10)) || { ((told == 0)) && ((SECONDS - start >= 2)); }; then
            say "  $text: $((SECONDS - start)) s"
            told=$((SECONDS - start))
        fi
        sleep 0.2
    done
    wait "$pid" || rc=$?
    trap - INT TERM
    if ((rc != 0)); then
        say "  $text: failed after $((SECONDS - start)) s; its last lines:"
        tail -n 15 "$log" | sed 's/^/    | /'
    elif ((told > 0)); then
        say "  $text: done, $((SECONDS - start)) s"
    fi
    rm -f "$log"
    return "$rc"
}

# Runs a command for so long at most, with everything it started, and gives it up at once on Ctrl-C: bash would
# otherwise act on a signal only after the command. A script that has something to say then defines `interrupted`.
#   bounded SECONDS COMMAND...
bounded() {
    local rc=0 pid
    timeout --kill-after=20 "$@" </dev/null &
    pid=$!
    trap 'kill "$pid" 2>/dev/null; wait "$pid"; if declare -F interrupted >/dev/null; then interrupted; fi; exit 130' INT TERM
    wait "$pid" || rc=$?
    trap - INT TERM
    return "$rc"
}

# Runs the calling script anew where `/` is a mount. That of a chroot is none, and under it the kernel lets nobody change
# how mounts propagate or move to another root: no driver exec of Nomad's, and no test with mounts of its own.
#   in_a_mounted_root "$@"
in_a_mounted_root() {
    local above rc=0 pid
    if mountpoint -q / || [[ $(id -u) != 0 || -n ${ROOST_MOUNTED_ROOT:-} ]]; then return; fi
    say "the root of this system is no mount, as in a chroot: the tests run under one that is"
    above=$(mktemp -d)
    # shellcheck disable=SC2016  # the inner shell's own
    ROOST_MOUNTED_ROOT=1 unshare --mount --propagation unchanged \
        sh -c 'mount --rbind / "$1" && exec chroot "$@"' sh "$above" "$root/scripts/${0##*/}" "$@" </dev/null &
    pid=$!
    trap 'kill "$pid" 2>/dev/null' INT TERM
    wait "$pid" || rc=$?
    # A signal ends the wait and not the script that got it too.
    while kill -0 "$pid" 2>/dev/null; do wait "$pid" || rc=$?; done
    # Where mounts propagate, it is seen here too.
    umount --lazy "$above" 2>/dev/null
    rmdir "$above"
    exit "$rc"
}

# Whether version $1 is at least version $2.
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# Puts a Rust toolchain that is new enough first in PATH. Says nothing and returns 1 when there is none.
use_rust() {
    local dir version
    for dir in "" "$HOME/.cargo/bin" /usr/local/cargo/bin /usr/lib/rust-*/bin; do
        version=$(PATH=${dir:+$dir:}$PATH cargo --version 2>/dev/null | awk '{print $2}') || continue
        if [[ -z $version ]] || ! at_least "${version%%-*}" "$rust_needed"; then continue; fi
        [[ -z $dir ]] || PATH=$dir:$PATH
        export PATH
        return 0
    done
    return 1
}

need_rust() {
    use_rust || fail "no Rust toolchain of version $rust_needed or newer" "try: make setup"
}

# Puts a cargo tool of this exact version into the cache and its folder into PATH: cargo_tool NAME VERSION
cargo_tool() {
    local name=$1 version=$2 tools
    tools=$(cache_dir)/tools
    PATH=$tools/bin:$PATH
    if [[ -x $tools/bin/$name ]] && grep -q "\"$name $version " "$tools/.crates.toml" 2>/dev/null; then
        return 0
    fi
    say "$name $version is not in $tools yet"
    CARGO_TARGET_DIR=$tools/build step "cargo install $name" cargo install --locked --root "$tools" "$name@$version" ||
        fail "$name $version could not be installed" "try: cargo install --locked --root $tools $name@$version"
}
