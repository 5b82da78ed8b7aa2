# shellcheck shell=sh
# Read by the scripts of this rig: where things lie and how they are started and ended.
set -eu
RIG=${GENNAKER_RIG_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/gennaker-rig}
RUN=$RIG/run
_here=$(cd "$(dirname "$0")" && pwd)
while [ ! -x "$_here/python" ]; do _here=$(dirname "$_here"); done
# shellcheck disable=SC2034
VENV=$("$_here/python" --path)
mkdir -p "$RUN"

die() { echo "$0: $*" >&2; exit 1; }

# alive NAME: is the process recorded as NAME still the one that we started?
alive() {
	[ -s "$RUN/$1.pid" ] || return 1
	read -r pid born < "$RUN/$1.pid"
	[ "$(cut -d' ' -f22 "/proc/$pid/stat" 2>/dev/null)" = "$born" ]
}

# launch NAME COMMAND...: start it in the background, record its pid and start time
launch() {
	_n=$1; shift
	setsid "$@" > "$RUN/$_n.log" 2>&1 < /dev/null &
	echo "$! $(cut -d' ' -f22 "/proc/$!/stat")" > "$RUN/$_n.pid"
}

# finish NAME [SIGNAL]: end exactly the recorded process, wait till it is gone
finish() {
	if alive "$1"; then
		read -r pid born < "$RUN/$1.pid"
		kill -"${2:-TERM}" "$pid"
		for _ in $(seq 50); do alive "$1" || break; sleep 0.1; done
		if alive "$1"; then kill -9 "$pid"; fi
		echo "ended $1 (pid $pid)"
	fi
	rm -f "$RUN/$1.pid"
}

# wait_http URL NAME SECONDS: till URL answers anything, or NAME died, or the time is over
wait_http() {
	for _ in $(seq $(($3 * 10))); do
		if curl -s -o /dev/null --noproxy '*' --max-time 2 "$1"; then return 0; fi
		alive "$2" || { cat "$RUN/$2.log" >&2; die "$2 ended early"; }
		sleep 0.1
	done
	die "$2 does not answer at $1"
}

# instance_root PORT: the instance's root as seen from outside its mount space
instance_root() {
	alive "sshd-$1" || die "no instance on port $1"
	read -r pid born < "$RUN/sshd-$1.pid"
	echo "/proc/$(tr -d ' ' < "/proc/$pid/task/$pid/children")/root"
}
