#!/bin/sh
# Gets the programs that bench-peers measures: go2rtc from the Go module proxy, Motion and
# ffmpeg from Debian.
set -eu
cd "$(dirname "$0")/.."
for package in motion ffmpeg; do
	if ! dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
		sudo=""
		[ "$(id -u)" = 0 ] || sudo=sudo
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" >/dev/null
	fi
done
# Without cgo: with it, go2rtc's own C files stop the build.
[ -x bin/go2rtc ] || (cd bench/peers && CGO_ENABLED=0 go build -o ../../bin/go2rtc github.com/AlexxIT/go2rtc)
