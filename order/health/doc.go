// Package health tells whoever runs a gateway, and whatever balances load between
// several, how it is: over HTTP, at an address that only they reach.
//
//	/live     the process answers: 200 always
//	/ready    it can take sessions: 200, otherwise 503, with what is missing
//	/metrics  counters, in the format of Prometheus
//
// Answers are plain text, a line per check, or JSON for who asks for that (Accept:
// application/json). Nothing is kept of who asks.
package health
