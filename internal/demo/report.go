package demo

import "runtime"

// reportFormat names the JSON form. Field names are stable.
const reportFormat = "zkkex/v1 demo"

// report is the story for programs.
type report struct {
	Format string `json:"format"`
	// OK says that everything came out as it must; there is no report
	// otherwise.
	OK bool `json:"ok"`
	// Parameters is the kind of the parameters.
	Parameters string   `json:"parameters"`
	Circuit    string   `json:"circuit"`
	Machine    machine  `json:"machine"`
	Members    uint64   `json:"members"`
	Traders    int      `json:"traders"`
	Accepted   []string `json:"accepted"`
	// Losses are the connections that were lost, and what was lost with them.
	Losses    []loss    `json:"losses"`
	Views     views     `json:"views"`
	Searches  []search  `json:"searches"`
	Refusals  []refusal `json:"refusals"`
	Timings   []timing  `json:"timings"`
	Latencies []latency `json:"latencies"`
}

// machine is what everything ran on, in one process.
type machine struct {
	OS   string `json:"os"`
	Arch string `json:"arch"`
	// CPUs is the number of cores that the process may use.
	CPUs int    `json:"cpus"`
	Go   string `json:"go"`
}

func thisMachine() machine {
	return machine{runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), runtime.Version()}
}

// loss is a connection, or a gateway, that was lost in the middle of orders.
type loss struct {
	What string `json:"what"`
	// Orders is how many were sent, Unanswered how many the venue had not answered
	// when it happened, and Open how many there were in the book afterwards.
	Orders     int `json:"orders"`
	Unanswered int `json:"unanswered"`
	Open       int `json:"open"`
	// Seconds is for how long the gateway was away; 0 if it was not.
	Seconds float64 `json:"seconds"`
}

// views is one order as each of the parties knows it.
type views struct {
	Trader  traderView  `json:"trader"`
	Venue   venueView   `json:"venue"`
	Network networkView `json:"network"`
}

// traderView is what the trader knows, who alone knows all.
type traderView struct {
	Name       string `json:"name"`
	PublicKey  string `json:"public_key"`
	Commitment string `json:"commitment"`
	Leaf       uint64 `json:"leaf"`
	Nullifier  string `json:"nullifier"`
	Session    string `json:"session"`
	Order      terms  `json:"order"`
	// OwnerKey is the order's own key, which the trader makes again from a secret.
	OwnerKey string `json:"owner_key"`
}

// venueView is decoded from the venue's files, as a gateway that was stopped without
// warning left them.
type venueView struct {
	// Members is how many the member may be.
	Members uint64 `json:"members"`
	// Admissions is how many there are in the store, and Nullifier that of the one
	// which the session began with.
	Admissions int    `json:"admissions"`
	Nullifier  string `json:"nullifier"`
	Session    string `json:"session"`
	// Reports is how many reports the journal has for the session.
	Reports uint64 `json:"reports"`
	Order   terms  `json:"order"`
	OrderID string `json:"order_id"`
	// OwnerKey is the order's own key, of which the venue has the public half.
	OwnerKey string `json:"owner_key"`
}

// terms are an order.
type terms struct {
	ID       string `json:"id"`
	Symbol   string `json:"symbol"`
	Side     string `json:"side"`
	Quantity string `json:"quantity"`
	Price    string `json:"price"`
}

// networkView is decoded from what the relay recorded.
type networkView struct {
	// Connections is how many there were, and Bytes how much they carried.
	Connections int `json:"connections"`
	Bytes       int `json:"bytes"`
	// From and To are the addresses of the order's connection.
	From string `json:"from"`
	To   string `json:"to"`
	// Hello are the lengths of the two messages that opened it, and Records what
	// there was while the order was sent and answered.
	Hello   [2]int   `json:"hello"`
	Records []record `json:"records"`
}

// record is one encrypted record: its header says no more than this.
type record struct {
	ToVenue bool `json:"to_venue"`
	Bytes   int  `json:"bytes"`
	// Micros is when it came, in microseconds after the first one that is shown.
	Micros int64 `json:"micros"`
}

// search is a search that found nothing.
type search struct {
	Where string `json:"where"`
	Bytes int    `json:"bytes"`
	// Sought names what was sought, in binary, backwards and in hexadecimal.
	Sought []string `json:"sought"`
	// Planted is how often something was planted, and found, to test the search.
	Planted int `json:"planted"`
}

// refusal is something that was refused, as it must be.
type refusal struct {
	Attempt string `json:"attempt"`
	// By is "venue", "prover", or "trader" for a trader's own honest program.
	By string `json:"by"`
	// Reason is the expected reason, which is the one that was given.
	Reason string `json:"reason"`
	// FIX is the code of FIX that an order was refused with, if it was one.
	FIX    uint16 `json:"fix,omitempty"`
	Detail string `json:"detail"`
}

// timing is what a step took, in wall time.
type timing struct {
	Step    string  `json:"step"`
	Seconds float64 `json:"seconds"`
}

// latency is what many of one thing took, in microseconds.
type latency struct {
	What  string  `json:"what"`
	Count int     `json:"count"`
	P50   float64 `json:"p50_micros"`
	P99   float64 `json:"p99_micros"`
}
