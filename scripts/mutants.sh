# Mutation testing of the pure modules, a part of test-long (which sources this): change the code, see a test fail.
#
# The sample is seeded, so that two people can look at the same mutants: cargo-mutants deals all mutants out in turn
# into shards of about 20, and the seed (the day, or ROOST_SEED) picks ten shards, at most 200 mutants. A shard is the
# unit that is recorded and gone on with. The judge is each package's own unit tests, which are fast; mutants that only
# an integration test would catch count as missed, which keeps pure code tested beside itself. That the tests pass
# without a mutant is tried once a call.
# shellcheck shell=bash disable=SC2154  # root, state and state_dir are test-long's

# What decides, without sockets, clocks or processes.
pure_modules=(
    daemon/vocabulary/src
    pxe/src/dhcp/proto pxe/src/dhcp/boot pxe/src/ipxe
    ansible/src/callhome ansible/src/inventory ansible/src/events
    daemon/src/nodes/lifecycle daemon/src/nodes/admission daemon/src/nodes/ledger
)

# The files of those modules, tests aside, as arguments.
mutant_files() {
    local module file
    for module in "${pure_modules[@]}"; do
        while read -r file; do printf -- '-f\n%s\n' "$file"; done < <(git ls-files "$module" "$module.rs" | grep '\.rs$' | grep -v tests)
    done
}

# A copy at a place of its own: mutants never touch the checkout, and what is built there stays warm.
mutants_copy() {
    [[ -d $copy/.git ]] || git clone -q "$root" "$copy" || return 1
    git -C "$copy" fetch -q "$root" HEAD && git -C "$copy" checkout -q --force FETCH_HEAD && git -C "$copy" clean -qfd
}

# The seed of the sample in progress, or a new one.
mutants_seed() {
    local seed
    seed=$(sed -n 's/^seed //p' "$state")
    if [[ -z $seed ]]; then
        seed=${ROOST_SEED:-$(date -u +%Y%m%d)}
        printf 'seed %s\n' "$seed" >>"$state"
    fi
    printf '%s\n' "$seed"
}

# Ten shard numbers (or ROOST_MUTANT_SHARDS) out of $1, by the seed $2.
pick_shards() {
    awk -v n="$1" -v seed="$2" 'BEGIN { srand(seed); for (i = 0; i < n; i++) print rand(), i }' |
        sort -n | head -n "${ROOST_MUTANT_SHARDS:-10}" | awk '{ print $2 }' | sort -n
}

outcome() { wc -l 2>/dev/null <"$out/mutants.out/$1.txt" || echo 0; }

# Tests one shard; returns 1 when the time was up before it ended.
one_shard() {
    local name=$1 shard=$2 start=$SECONDS rc=0 caught missed late unviable
    is_done "$name" && return 0
    (($(left) > 300)) || return 1
    out=$state_dir/mutants-${shard%/*}
    rm -rf "$out"
    mkdir -p "$out"
    # Without debug information, which nobody reads here and which half of the linking time goes into.
    bounded "$(left)" env -C "$copy" "CARGO_TARGET_DIR=$state_dir/mutants-target" CARGO_PROFILE_DEV_DEBUG=0 \
        cargo mutants --in-place --shard "$shard" --sharding round-robin --output "$out" --no-times \
        --timeout 120 --build-timeout 600 "--baseline=$baseline" --cargo-arg=--lib "${files[@]}" || rc=$?
    ((SECONDS < deadline)) || return 1
    # 0: all caught, 2: some missed, 3: some timed out. Anything else is no judgement.
    case $rc in
        0 | 2 | 3) baseline=skip ;;
        4) fail "the unit tests fail without any mutant" "look at $out/mutants.out/log/baseline.log" ;;
        *) fail "cargo mutants ended with status $rc" "look at $out/mutants.out/debug.log" ;;
    esac
    caught=$(outcome caught) missed=$(outcome missed) late=$(outcome timeout) unviable=$(outcome unviable)
    sed 's/^/missed /' "$out/mutants.out/missed.txt" >>"$state"
    printf 'counts %d %d\n' "$missed" $((caught + missed + late)) >>"$state"
    record "$name" "$caught caught, $missed missed, $late timed out, $unviable did not build" $((SECONDS - start))
}

mutants() {
    local version=27.1.0 copy=$state_dir/mutants-copy total shards shard seed files out missed tried baseline=run
    cargo_tool cargo-mutants "$version"
    begin "cargo-mutants $version over a seeded sample of the pure modules; each package's own unit tests are the judge."
    mutants_copy || fail "no copy of the checkout could be made in $copy"
    mapfile -t files < <(mutant_files)
    total=$(cd "$copy" && cargo mutants --list "${files[@]}" | wc -l)
    ((total > 0)) || fail "cargo mutants lists no mutant" "try: cargo mutants --list ${files[*]}"
    shards=$(((total + 19) / 20))
    seed=$(mutants_seed)
    while read -r shard; do
        one_shard "shard $shard/$shards, seed $seed" "$shard/$shards" || { pause; return; }
    done < <(pick_shards "$shards" "$seed")
    missed=$(awk '/^counts / { n += $2 } END { print n + 0 }' "$state")
    tried=$(awk '/^counts / { n += $3 } END { print n + 0 }' "$state")
    { printf '\nMissed:\n\n'; sed -n 's/^missed /    /p' "$state"; } >>"$result"
    if ((missed * 10 > tried)); then printf 'bad more than 10 %% missed\n' >>"$state"; fi
    finish "$missed of $tried missed (at most 10 %), out of $total mutants in all."
}
