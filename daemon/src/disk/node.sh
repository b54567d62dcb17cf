#!/bin/sh
# A node's half of `roost node disk`: run by Roost over pinned SSH, after a line that sets `verb` and what is to be made.
# Speaks in lines that begin with `roost-disk`; what they hold stands in survey.rs.
#
# `make` may be cut off anywhere and be run again with the same `uuid`: partition table and file system are named by it, so
# what is half made is known, and the label is put on when all else is on disk. It ends what it began though nobody listens
# any more, and a second one waits for it.
set -u
umask 077
: "${verb:=survey}" "${device:=}" "${serial:=}" "${size:=}" "${uuid:=}" "${wipe:=no}"
label=ROOST_DATA
# Where the lab put it all, which has no image.
program=${ROOST_DATA_DISK:-/usr/lib/roost/data-disk}
root=${ROOST_ROOT:-}

say() { printf 'roost-disk %s\n' "$*" 2>/dev/null; }

refuse() { say "refused $*"; exit 0; }

# Words that may hold anything, as one word.
packed() {
    word=$(printf '%s' "$1" | base64 -w 0)
    printf '%s' "${word:--}"
}

# Whole disks by their kernel names; of the lab, those that it names.
disks() {
    [ -z "${ROOST_DISKS-}" ] || { echo "$ROOST_DISKS" | tr ',' '\n' | grep -vx none; return; }
    for path in /sys/block/*; do
        case ${path##*/} in loop* | ram* | zram* | dm-* | md* | sr* | fd* | nbd*) continue ;; esac
        [ "$(cat "$path/hidden" 2>/dev/null)" = 1 ] || [ "$(cat "$path/size")" = 0 ] || echo "${path##*/}"
    done
}

partitions() {
    for path in "/sys/block/$1/$1"*; do
        [ ! -e "$path/partition" ] || echo "${path##*/}"
    done
}

device_of() { printf '/dev/%s\n' "$(printf '%s' "$1" | tr '!' '/')"; }

value() { blkid -p -s "$1" -o value -- "$2" 2>/dev/null; }

size_of() { echo $(($(cat "/sys/block/$1/size") * 512)); }

# virtio and NVMe say it by name; SCSI and SATA on page 0x80 of the vital product data, after four bytes of head.
serial_of() {
    if [ -n "${ROOST_DISK_SERIAL-}" ]; then
        printf '%s' "$ROOST_DISK_SERIAL"
        return
    fi
    for file in "/sys/block/$1/serial" "/sys/block/$1/device/serial"; do
        [ ! -s "$file" ] || { tr -cd '[:graph:] ' <"$file" | sed 's/^ *//; s/ *$//'; return; }
    done
    [ ! -s "/sys/block/$1/device/vpd_pg80" ] ||
        tail -c +5 "/sys/block/$1/device/vpd_pg80" | tr -cd '[:graph:] ' | sed 's/^ *//; s/ *$//'
}

# Every signature on the disk and its partitions; a partition that holds nothing is one still.
content_of() {
    for name in "$1" $(partitions "$1"); do
        [ "$name" = "$1" ] || echo "partition $name"
        wipefs --noheadings --output TYPE "$(device_of "$name")" 2>/dev/null || echo "unreadable $name"
    done | sort -u | tr '\n' ',' | sed 's/,$//; s/,/, /g'
}

# Where it is mounted, what swaps on it, what is built on it.
users_of() {
    for name in "$1" $(partitions "$1"); do
        number=$(cat "/sys/class/block/$name/dev")
        while read -r _ _ of _ where _; do
            [ "$of" != "$number" ] || echo "$where"
        done </proc/self/mountinfo
        ls "/sys/class/block/$name/holders" 2>/dev/null
        while read -r of _; do
            [ "$of" != "$(device_of "$name")" ] || echo swap
        done </proc/swaps
    done | sort -u | tr '\n' ' ' | sed 's/ $//'
}

labelled() {
    for name in "$1" $(partitions "$1"); do
        [ "$(value LABEL "$(device_of "$name")")" != "$label" ] || { echo data; return; }
    done
    echo -
}

survey() {
    for disk in $(disks); do
        access=rw kind=fixed
        [ "$(cat "/sys/block/$disk/ro")" = 0 ] || access=ro
        [ "$(cat "/sys/block/$disk/removable")" = 0 ] || kind=removable
        model=
        read -r model 2>/dev/null <"/sys/block/$disk/device/model"
        say "disk $disk $(size_of "$disk") $access $kind $(packed "$(serial_of "$disk")") $(packed "$model")" \
            "$(packed "$(content_of "$disk")") $(packed "$(users_of "$disk")") $(labelled "$disk")"
    done
    say end
}

# A station, and the command that it is.
try() {
    station=$1
    shift
    said=$("$@" 2>&1 </dev/null) && return 0
    say "failed at $station: $(printf '%s' "$said" | tail -n 1)"
    exit 0
}

partition() {
    for name in $(partitions "$device"); do
        wipefs --all --quiet "$(device_of "$name")" || return 1
    done
    wipefs --all --quiet "$disk" || return 1
    printf 'label: gpt\nlabel-id: %s\ntype=linux, name=%s\n' "$uuid" "$label" |
        sfdisk --quiet --wipe always --wipe-partitions always "$disk" || return 1
    # A kernel that missed the new table is told of it.
    [ -n "$(partitions "$device")" ] || partx --update "$disk"
}

first_partition() { partitions "$device" | head -n 1; }

wait_for_partition() {
    tries=0
    while [ ! -b "$(device_of "$(first_partition)")" ] && [ "$tries" -lt 50 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    part=$(device_of "$(first_partition)")
    [ -b "$part" ]
}

# The keys that this boot was pinned with are the ones to come back with.
keep_identity() {
    key=${ROOST_HOST_KEY:-$root/etc/ssh/ssh_host_ed25519_key}
    mkdir "$folder/identity" && cp "$key" "$folder/identity/ssh_host_ed25519_key" &&
        cp "$root/etc/machine-id" "$folder/identity/machine-id" && chmod 600 "$folder"/identity/* &&
        sync "$folder"/identity/* && sync -f "$folder"
}

fill() {
    folder=$(mktemp -d /run/roost-disk.XXXXXX) || return 1
    mount -t ext4 -o nodev "$part" "$folder" && keep_identity
    code=$?
    umount "$folder" && rmdir "$folder" && return "$code"
}

make() {
    disk=$(device_of "$device")
    [ -b "$disk" ] || refuse "$device is not there"
    if [ "$(value PTUUID "$disk")" = "$uuid" ]; then
        wait_for_partition
        if [ "$(value UUID "$part")" = "$uuid" ] && [ "$(value LABEL "$part")" = "$label" ]; then
            return 0
        fi
        wipe=yes
    fi
    [ "$(size_of "$device")" = "$size" ] || refuse "$device has another size than before"
    [ "$(packed "$(serial_of "$device")")" = "$serial" ] || refuse "$device has another serial number than before"
    users=$(users_of "$device")
    [ -z "$users" ] || refuse "$device is in use: $users"
    [ "$wipe" = yes ] || [ -z "$(content_of "$device")" ] || refuse "$device holds $(content_of "$device") now"
    try "its partition table" partition
    try "its partition" wait_for_partition
    part=$(device_of "$(first_partition)")
    try "its file system" mkfs.ext4 -q -F -m 1 -U "$uuid" "$part"
    try "its identity" fill
    try "its label" e2label "$part" "$label"
    try "its label" sync "$part"
}

for tool in blkid wipefs sfdisk partx mkfs.ext4 e2label flock base64; do
    command -v "$tool" >/dev/null || { say "lacks $tool"; exit 0; }
done
[ -x "$program" ] || { say "lacks $program"; exit 0; }
if [ "$verb" = survey ]; then
    survey
    exit 0
fi
# A daemon that ends, or a connection that breaks, is no reason to leave half a disk.
trap '' HUP PIPE
exec 9>/run/roost-disk.lock
flock -w 600 9 || { say "failed: another order for a disk of this node does not end"; exit 0; }
make
"$program" live >/dev/null 2>&1 9>&-
came=$(sed -n '1p;3p' "$root/run/roost/data-disk" 2>/dev/null | tr '\n' ' ')
say "made ${came:-from the next boot on}"
