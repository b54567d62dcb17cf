#!/bin/sh
# A machine's half of proving its TPM: run by Roost over pinned SSH, after a line that sets `kind`. Speaks in lines that
# begin with `roost-tpm`, takes the credential as one line of base64 on standard input, leaves nothing behind.
#
# The endorsement key and a key of the null hierarchy are made anew from the TPM's own seeds: nothing has to be stored in
# the TPM, no owner password is needed, and both are gone with the next reset. The second key only lends its name to the
# credential; it is exempt from the dictionary attack lockout (noda), or power cuts would count as guesses and end in one.
# Rejected: tpm2_createak, whose key takes a second secret and whose RSA form takes a minute on old TPMs.
set -u
umask 077
: "${kind:=any}"

say() { printf 'roost-tpm %s\n' "$*"; }

# The errors of tpm2-tools, on one line.
errors() { grep -h ERROR errors | tr '\n' ' ' | cut -c 1-400; }

# A station, and the command that it is.
try() {
    station=$1
    shift
    "$@" >output 2>errors </dev/null && return 0
    say "failed $station $(errors)"
    exit 0
}

# Without the kernel's resource manager between them, the tools leave what they made in the TPM.
forget() { tpm2_flushcontext -t >/dev/null 2>&1 </dev/null; }

find_tpm() {
    # Where tpm2-tools were told of a TPM, as in the lab.
    [ -z "${TPM2TOOLS_TCTI-}" ] || return 0
    if [ ! -c /dev/tpmrm0 ]; then
        # The firmware says that there is a TPM 2.0: its driver is on its way, and "none" would be a lie.
        [ -e /sys/firmware/acpi/tables/TPM2 ] || { say none; exit 0; }
        modprobe -abq tpm_crb tpm_tis >/dev/null 2>&1
        tries=20
        while [ ! -c /dev/tpmrm0 ] && [ $tries -gt 0 ]; do
            tries=$((tries - 1))
            sleep 0.5
        done
        [ -c /dev/tpmrm0 ] || { say driver; exit 0; }
    fi
    export TPM2TOOLS_TCTI=device:/dev/tpmrm0
}

find_tpm
for tool in createek createprimary readpublic startauthsession policysecret activatecredential flushcontext getcap; do
    command -v "tpm2_$tool" >/dev/null || { say "lacks tpm2_$tool"; exit 0; }
done

folder=$(mktemp -d /run/roost-tpm.XXXXXX) || { say "failed folder /run is not writable"; exit 0; }
trap 'tpm2_flushcontext session >/dev/null 2>&1 </dev/null; forget; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cd "$folder" || exit 1

forget
if [ "$kind" = any ]; then
    try algorithms tpm2_getcap algorithms
    kind=ecc_p256
    grep -q '^rsa:' output && kind=rsa2048
fi
case $kind in
rsa2048) algorithm=rsa2048 ;;
*) algorithm=ecc256 ;;
esac

try name tpm2_createprimary -Q -C n -G hmac:sha256 -g sha256 -c named \
    -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign'
try name tpm2_readpublic -Q -c named -n name
forget
try endorsement tpm2_createek -Q -G "$algorithm" -c ek -u public -f tpmt
forget
say "key $(base64 -w 0 <public) $(base64 -w 0 <name)"

IFS= read -r line || exit 0
printf '%s' "$line" | base64 -d >credential 2>/dev/null || { say "failed credential it came broken"; exit 0; }
try policy tpm2_startauthsession -Q --policy-session -S session
try policy tpm2_policysecret -Q -S session -c e
try activate tpm2_activatecredential -Q -c named -C ek -i credential -o secret -P session:session
say "secret $(base64 -w 0 <secret)"
