package main

import (
	"fmt"
	"runtime"

	"camgate/decoder"
)

type versionCommand struct{}

// Run prints the versions.
func (*versionCommand) Run(c console) error {
	ffmpeg, jpeg := decoder.Versions()
	if commit != "" {
		fmt.Fprintf(c.out, "camgate %s (%s)\n", version, commit)
	} else {
		fmt.Fprintf(c.out, "camgate %s\n", version)
	}
	fmt.Fprintf(c.out, "FFmpeg %s\nlibjpeg-turbo %s\n%s %s/%s\n", ffmpeg, jpeg, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
