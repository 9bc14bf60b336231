// Package console is the gateway's command line: on the terminal of camgate serve, over a
// local socket for camgate console, and one command at a time for scripts.
package console
