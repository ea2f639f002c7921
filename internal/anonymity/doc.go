// Package anonymity holds no code but tests of what two members leave behind at
// one venue: every byte on the wire, every line in its log, every file it keeps,
// every request and every refusal. What tells the two apart must be in the table
// of the README and nowhere else, and leaks that are planted must be found.
//
// Addresses and times are outside of it, as the README says.
package anonymity
