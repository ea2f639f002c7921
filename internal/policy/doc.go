// Package policy holds the checks that no single package can make: who imports
// what, which types the exported signatures show, and what the documents
// promise. It has tests only.
package policy
