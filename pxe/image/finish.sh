#!/bin/sh
# Last touches to the new root, run outside of it by mmdebstrap's customize hook: finish.sh ROOT MASKED GENERATORS.
#
# What a package made for one machine must not be shared by a rack: host keys, machine id. What boots slowly for
# nothing is masked. The root account stays, its password is `*`, which nothing matches: `!` would lock out keys too.
set -eu
root=$1 masked=$2 generators=$3

names() {
    sed 's/[[:space:]]*#.*//; /^$/d' "$1"
}

rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id" "$root/var/lib/dbus/machine-id" "$root/etc/hostname"
for unit in $(names "$masked"); do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
mkdir -p "$root/etc/systemd/system-generators"
for generator in $(names "$generators"); do
    ln -sf /dev/null "$root/etc/systemd/system-generators/$generator"
done

chroot "$root" systemctl --quiet enable systemd-networkd.service roost-call-home.service roost-data.service
chroot "$root" systemctl --quiet disable docker.service docker.socket containerd.service 2>/dev/null
chroot "$root" systemctl --quiet set-default multi-user.target
chroot "$root" usermod -p '*' root

rm -rf "$root"/var/cache/debconf/*-old "$root"/vmlinuz* "$root"/initrd.img* "$root"/usr/share/doc/*/changelog*
find "$root/var/log" -type f -delete
