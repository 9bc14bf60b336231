#!/bin/sh
# Installs from Debian what is missing to build camgate (build) or also to test it (test).
# Says nothing, needs no network and no rights where all is there.
set -eu

packages="gcc libc6-dev pkg-config libavcodec-dev libavformat-dev libavfilter-dev libavdevice-dev libavutil-dev libswscale-dev libswresample-dev libjpeg62-turbo-dev"
if [ "${1:-build}" = test ]; then
	packages="$packages ffmpeg chromium iproute2 iptables clang-format shellcheck minidlna gssdp-tools libgtk-4-bin wsdd nginx haproxy firefox-esr"
	command -v npm >/dev/null || packages="$packages nodejs npm"
fi

missing=""
for package in $packages; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "This is no Debian: install what corresponds to$missing by hand." >&2
	exit 1
fi
sudo=""
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "As root, please: apt-get install$missing" >&2
		exit 1
	fi
	sudo=sudo
fi
echo "Installing$missing"
log=$(mktemp)
# RUNLEVEL: the daemons among them are for tests, which start their own.
trap 'rm -f "$log"' EXIT
# Mirrors fail now and then, and a machine that has just started may be at its own upgrades.
apt="apt-get -o Acquire::Retries=5 -o DPkg::Lock::Timeout=600"
# shellcheck disable=SC2086 # lists of words
if ! { $sudo $apt update && $sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 $apt install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "apt-get did not install$missing" >&2
	exit 1
fi
