// Package peers opens connections the way others do, for comparison: crypto/tls
// with certificates on both sides, its resumption, flynn/noise, and
// golang.org/x/crypto/ssh. Each side authenticates the other, as ours does, and
// each peer is set up as its documentation leads to, or better where that costs
// less.
//
// A server answers one byte with the same byte. What is compared is everything
// from dialling until that answer.
package peers
