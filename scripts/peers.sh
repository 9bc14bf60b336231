#!/bin/sh
# Gets programs of others that camgate is tested and measured against, into bin/: go2rtc
# from the Go module proxy, the npm packages onvif and @eyevinn/webrtc-player; for
# bench-peers (bench) also Motion and ffmpeg from Debian.
set -eu
cd "$(dirname "$0")/.."
mkdir -p bin
# Without cgo: with it, go2rtc's own C files stop the build.
[ -x bin/go2rtc ] || (cd bench/peers && CGO_ENABLED=0 go build -o ../../bin/go2rtc github.com/AlexxIT/go2rtc)
for package in onvif@0.8.1 @eyevinn/webrtc-player@0.13.0; do
	[ -d "bin/npm/node_modules/${package%@*}" ] || npm install --prefix bin/npm --silent --no-audit --no-fund --ignore-scripts --fetch-retries 5 "$package"
done
[ "${1:-test}" = bench ] || exit 0
for package in motion ffmpeg; do
	if ! dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
		sudo=""
		[ "$(id -u)" = 0 ] || sudo=sudo
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" >/dev/null
	fi
done
