// Package camgate holds nothing but the tests of the project as a whole; the program is
// in cmd/camgate.
package camgate
