#!/usr/bin/env bash
# Run a command beside a SLURM of one node: slurm.sh FOLDER COMMAND [ARGUMENT ...]
#
# Needs root, and Debian's packages, which it installs where they are missing. Everything it writes
# is in FOLDER, which must be empty, but for a link /etc/slurm/slurm.conf while it lasts; its daemons
# listen on loopback only, on free ports, and end with the command. Exit code 77: it cannot run here, and says why; else the command's.
set -euo pipefail

cannot() {
    echo "slurm.sh: $*" >&2
    exit 77
}

folder=$(realpath "$1")
shift
# Where SLURM's commands look by themselves: a job's have no SLURM_CONF.
link=/etc/slurm/slurm.conf
# A run that was killed leaves its link.
owner=$(sed -n 's/^# slurm.sh, process //p' "$link" 2> /dev/null || true)
[ -z "$owner" ] || kill -0 "$owner" 2> /dev/null || rm "$link"
[ ! -e "$link" ] || cannot "this machine has a SLURM of its own: $link"
[ "$(id -u)" = 0 ] || cannot "SLURM's daemons are started as root"
export PATH=$PATH:/usr/sbin:/sbin
missing=
for program in munged slurmctld slurmd sbatch srun; do
    command -v "$program" > /dev/null || missing=yes
done
if [ -n "$missing" ]; then
    command -v apt-get > /dev/null || cannot "no SLURM, and no apt-get to install it"
    {
        # So that no package starts a daemon of its own.
        export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
        apt-get update
        apt-get install --yes --no-install-recommends munge slurmctld slurmd slurm-client
    } > "$folder/apt.log" 2>&1 || cannot "no SLURM, and apt-get: $(tail -1 "$folder/apt.log")"
fi

umask 022
mkdir "$folder/state" "$folder/spool"
mkdir -m 700 "$folder/munge"
(umask 077 && head -c 1024 /dev/urandom > "$folder/munge/key")

read -r control node <<< "$(python3 - <<'PORTS'
import socket
taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(it.getsockname()[1] for it in taken))
PORTS
)"

memory=$(awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo)
export SLURM_CONF=$folder/slurm.conf
cat > "$SLURM_CONF" <<CONF
# slurm.sh, process $$
ClusterName=one
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$control
SlurmdPort=$node
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CommunicationParameters=NoCtldInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
# No control groups, which a container may not have.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=3600
MpiDefault=none
SchedulerParameters=sched_interval=2,batch_sched_delay=0
NodeName=node NodeHostname=localhost NodeAddr=127.0.0.1 CPUs=2 RealMemory=$memory State=UNKNOWN
PartitionName=cpu Nodes=node Default=YES MaxTime=60 State=UP
CONF

started=()
cleanup() {
    trap - EXIT
    rm -f "$link"
    [ ! -e "$folder/slurmd.pid" ] || scancel --user root 2> /dev/null || true
    for pid in "${started[@]}"; do
        kill "$pid" 2> /dev/null || true
    done
    wait
}
trap cleanup EXIT
trap 'exit 143' TERM INT
mkdir -p "${link%/*}"
ln -sfn "$SLURM_CONF" "$link"

# The folders above the socket may be anyone's: --force says that this is known.
munged --force --foreground --key-file "$folder/munge/key" --socket "$folder/munge/socket" \
    --pid-file "$folder/munge/pid" --log-file "$folder/munge/log" --seed-file "$folder/munge/seed" &
started+=($!)
for _ in $(seq 100); do [ -S "$folder/munge/socket" ] && break || sleep 0.1; done
slurmctld -D -c &
started+=($!)
slurmd -D -N node &
started+=($!)
for _ in $(seq 300); do
    [ "$(sinfo --noheader --format %T 2> /dev/null)" != idle ] || break
    sleep 0.2
done
[ "$(sinfo --noheader --format %T)" = idle ] || {
    echo "slurm.sh: SLURM did not start: see $folder/*.log" >&2
    exit 1
}

"$@" &
command=$!
started+=("$command")
wait "$command"
