// Package console is the gateway's command line: on the terminal of camgate serve (Run),
// over a local socket for camgate console (Serve and Dial), and one command at a time for
// scripts.
//
// A command (commands.go) is carried out by execute, the same way wherever it was typed:
// it gets the Gateway, its arguments, and a sink for what it prints. Over the socket
// (frame.go) the sink is at the other end: commands run in the gateway, while lines are
// edited, kept in the history and completed, and files are written, where the user is and
// with the user's rights.
//
// What cameras say of themselves is hostile. It is printed through printf and table alone,
// which let nothing through that a terminal would obey (text.go). Passwords that are typed
// are not printed again, nor kept in the history (mask.go).
//
// Lines are edited by reeflective/readline, which works on the program's own standard
// input, output and error, and on its own goroutine. editor.go says what is done about its
// peculiarities; screen.go keeps log lines, progress and results from tearing each other.
package console
