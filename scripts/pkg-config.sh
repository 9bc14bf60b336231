#!/bin/sh
# pkg-config for `make build`. go-astiav wants all of FFmpeg; what camgate calls of it lies
# in libavcodec, libavutil, libswscale, and libswresample, which libavcodec brings anyway.
# The others would bring a hundred libraries more into every process, 26 MB of memory, for
# functions that the linker leaves out.
set -eu

libs=no
for argument; do
	shift
	case $argument in
	--libs) libs=yes ;;
	libavdevice | libavfilter | libavformat)
		[ "$libs" = no ] || continue
		;;
	esac
	set -- "$@" "$argument"
done
exec pkg-config "$@"
