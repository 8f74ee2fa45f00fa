# Run a command that cannot outlive the process that started it: sh guard.sh COMMAND ARGUMENT…
#
# Standard input is a pipe whose other end the parent holds open and nobody writes to. Before this shell becomes the
# command (so that the pid is the command's own) it leaves a watcher behind, reparented but in the same process group,
# which reads from that pipe. However the parent dies, also by SIGKILL, the pipe closes and the watcher ends the group.
# While the watcher is in it, the group's number cannot be given to another process.
exec 3<&0
( (
    trap '' TERM INT HUP QUIT
    read -r _
    kill -s TERM -- -$$
    turns=50
    while [ $turns -gt 0 ] && kill -s 0 $$; do
        turns=$((turns - 1))
        sleep 0.1
    done
    kill -s KILL -- -$$
) <&3 >/dev/null 2>&1 & )
exec "$@" </dev/null 3<&-
