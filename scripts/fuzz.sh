#!/bin/sh
# Runs every fuzz target for a time each, or with a number of inputs, two at once:
# scripts/fuzz.sh 10s [PACKAGE…], scripts/fuzz.sh 20000x [PACKAGE…]
set -eu
time=${1:-10s}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- ./...
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# one target; what it says is shown when it has ended.
fuzz() {
	log="$logs/$(echo "$1.$2" | tr / _)"
	if go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 1x -parallel 1 "$1" >"$log" 2>&1; then
		echo "ok   $1 $2: $(grep -o 'execs: [0-9]*' "$log" | tail -n 1)"
	else
		cat "$log"
		echo "FAIL $1 $2"
		touch "$logs/failed"
	fi
}

waiting=""
# Each of these by itself: what fails is no reason to fuzz nothing and call it well.
packages=$(go list "$@")
for package in $packages; do
	listed=$(go test -list '^Fuzz' "$package")
	for target in $(echo "$listed" | grep '^Fuzz' || true); do
		fuzz "$package" "$target" &
		if [ -n "$waiting" ]; then
			wait "$waiting"
			waiting=""
		else
			waiting=$!
		fi
	done
done
wait
[ ! -e "$logs/failed" ]
