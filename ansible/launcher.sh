#!/bin/sh
# Runs ansible-playbook for Roost so that its end is known even if the daemon was not there to see it.
#
#   launcher.sh FOLDER PROGRAM [ARGUMENT...]
#
# Leads the run's process group. Nothing happens before the daemon has made this process durable in its book and says
# `go` on standard input; a daemon that died before that closes the pipe, and this script ends having done nothing.
# `began` marks that something may have happened; both outlive a power cut. The exit status goes into a file, whole or absent, and to whoever
# waits. TERM is for ansible-playbook: this script outlives it to write down how it ended.
trap : HUP INT TERM
folder=$1
shift
IFS= read -r word && [ "$word" = go ] || exit 0
: >"$folder/began" && sync "$folder/began" "$folder"
"$@" </dev/null >>"$folder/output.log" 2>&1
status=$?
echo "$status" >"$folder/.status.new" && sync "$folder/.status.new" &&
    mv -f "$folder/.status.new" "$folder/status" && sync "$folder"
exit "$status"
