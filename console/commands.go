package console

import (
	"context"
	"strings"
)

// root holds all commands, in the order in which help lists them. It is made once and
// never changed.
var root = &command{below: []*command{
	{word: "help", args: "[COMMAND]", short: "list the commands, or explain one", most: 3, commands: true, run: runHelp},
	{word: "cameras", args: "[--json]", short: "all cameras and how they are", json: true, run: runCameras},
	{word: "camera", args: "NAME [--json]", short: "all about one camera", json: true, least: 1, most: 1, values: cameraNames, run: runCamera,
		long: "NAME is a camera's name, matched without case, or its number in the list of cameras."},
	{word: "viewers", args: "[--json]", short: "who watches what, and how well it arrives", json: true, run: runViewers,
		long: "DROPPED counts pictures that a viewer was too slow for. AGE is how old the last one was when it left."},
	{word: "discover", args: "[SECONDS] [--json]", short: "look for cameras on the network", json: true, most: 1, run: runDiscover,
		long: "It takes 5 seconds, or as many as you say, at most 300. Ctrl-C ends it early: what was found until then stays."},
	{word: "add", args: "[NAME] URL", short: "serve one more camera until the gateway ends", least: 1, most: 2, run: runAdd, values: addresses(1),
		long: "URL is as in the configuration: onvif://user:password@192.0.2.10, rtsp://… Without NAME a readable one is made.\nPut quotes round a password with blanks or quotes in it. It is not kept in the history."},
	{word: "remove", args: "NAME", short: "stop serving a camera", least: 1, most: 1, values: cameraNames, run: runRemove},
	{word: "probe", args: "URL|NAME [--json]", short: "what a camera is and offers", json: true, least: 1, most: 1, values: addresses(0), run: runProbe},
	{word: "diagnose", args: "NAME|URL [--json]", short: "walk to a picture step by step; say what is wrong and how to mend it", json: true, least: 1, most: 1, values: addresses(0), run: runDiagnose},
	{word: "ptz", args: "NAME left|right|up|down|in|out|stop [SPEED [SECONDS]] | NAME preset PRESET", short: "move a camera", least: 2, most: 4, values: ptzWords, run: runPTZ,
		long: "SPEED is 0.01 to 1, 0.5 where you say none. SECONDS is 0.1 to 60; without it the camera moves one short step.\npresets NAME lists the stored positions; PRESET is the token or the name of one."},
	{word: "presets", args: "NAME [--json]", short: "the positions a camera has stored", json: true, least: 1, most: 1, values: cameraNames, run: runPresets},
	{word: "snapshot", args: "NAME FILE", short: "write one picture to a file", least: 2, most: 2, values: snapshotWords, run: runSnapshot,
		long: "FILE is on the machine, in the folder and with the rights of this console. A file that is there is replaced."},
	{word: "reload", short: "read the configuration again", run: runReload},
	{word: "log", args: "debug|info|warn|error", short: "how much is logged", least: 1, most: 1, values: oneOf("debug", "info", "warn", "error"), run: runLog},
	{word: "stats", args: "[--json]", short: "the gateway's numbers", json: true, run: runStats},
	{word: "host", args: "[--json]", short: "addresses to open in a browser", json: true, run: runHost},
	{word: "cctv", args: "…", short: "the words of cctvAgent", below: []*command{
		{word: "discovery", short: "find cameras on the network and ask them for their profiles", run: runCCTVDiscovery},
		{word: "search", short: "find the ONVIF services on the network", run: runCCTVSearch},
		{word: "list", short: "all cameras with their profiles", run: runCCTVList},
		{word: "clear", short: "remove all cameras that were found, not those of the configuration", run: runCCTVClear},
		{word: "stream", short: "the stream address of each camera", run: runCCTVStream},
		{word: "onvif", short: "the ONVIF address of each camera", run: runCCTVOnvif},
		{word: "get", args: "URL [USER] [PASSWORD]", short: "ask an ONVIF service what it is", least: 1, most: 3, values: addresses(0), run: runCCTVGet,
			long: "For example: cctv get http://192.0.2.10/onvif/device_service admin secret\nor:          cctv get http://admin:secret@192.0.2.10/onvif/device_service\nThe password is not kept in the history."},
		{word: "info", args: "ID [data]", short: "one camera in detail; data: as JSON", least: 1, most: 2, values: infoWords, run: runCCTVInfo,
			long: "ID is a camera's name, matched without case, or its number in the list of cameras."},
		{word: "proxy", short: "the connections to the cameras", below: []*command{
			{word: "reset", short: "connect to all cameras anew", run: runCCTVReset},
		}},
	}},
	{word: "vi", args: "on|off", short: "edit lines with the keys of vi, or of emacs", least: 1, most: 1, values: oneOf("on", "off"), run: runVi},
	{word: "version", short: "the version of the gateway", run: runVersion},
	{word: "clear", short: "clear the screen", run: func(_ context.Context, r *request) error { r.act = actClear; return nil }},
	{word: "exit", short: "leave the console; the gateway goes on", run: func(_ context.Context, r *request) error { r.act = actExit; return nil }},
}}

// runHelp lists all commands, or explains one.
func runHelp(_ context.Context, r *request) error {
	c, name := r.root, ""
	for _, a := range r.args {
		next := c.find(a)
		if next == nil {
			return unknown(c, name, a)
		}
		c, name = next, shown(name, next.word)
	}
	if c.word != "" {
		r.printf("%s\n  %s\n", r.in(bold, strings.TrimSpace(name+" "+c.args)), c.short)
		for line := range strings.Lines(c.long) {
			r.printf("  %s\n", strings.TrimSuffix(line, "\n"))
		}
	}
	if len(c.below) > 0 {
		r.list(c, name)
	}
	if c == r.root {
		r.printf("\nhelp COMMAND says more about one. Tab completes, the up arrow brings back earlier lines, Ctrl-C ends what runs.\n")
	}
	return nil
}

// list writes one line for each command below c.
func (r *request) list(c *command, name string) {
	const indent = 22
	for _, b := range c.below {
		full := shown(name, b.word)
		if len(b.below) > 0 {
			r.list(b, full)
			continue
		}
		head := shown(full, strings.TrimSuffix(strings.TrimSuffix(b.args, "[--json]"), " "))
		if columns(head) > indent {
			head = full + " …"
		}
		about := b.short
		if r.width > 0 {
			about = cut(about, max(20, r.width-indent-2))
		}
		r.printf("%s  %s\n", r.in(bold, pad(head, indent, false)), about)
	}
}
