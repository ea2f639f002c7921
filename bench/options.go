package bench

import (
	"fmt"
	"slices"

	"github.com/zkkex/zkkex"
)

// Part names a part of the benchmark.
type Part string

// Parts, in the order they run.
const (
	// Compile compiles the circuits and the textbook's.
	Compile Part = "compile"
	// Setup makes a development parameter set.
	Setup Part = "setup"
	// Ceremony makes the contributions of a ceremony and verifies them.
	Ceremony Part = "ceremony"
	// Open opens the parameters, for verifying and for proving.
	Open Part = "open"
	// Prove proves, beside the textbook circuit.
	Prove Part = "prove"
	// Plonk opens, proves and verifies with PLONK, beside Groth16.
	Plonk Part = "plonk"
	// Keys proves and verifies with keys on P-256 and secp256k1, beside gnark's
	// verification of an ECDSA signature.
	Keys Part = "keys"
	// Threshold signs with threshold groups.
	Threshold Part = "threshold"
	// Cold opens and proves for the first time, in fresh processes.
	Cold Part = "cold"
	// Verify verifies, beside gnark's own Verify.
	Verify Part = "verify"
	// Batch verifies together, and admits through a pool, beside gnark's Verify.
	Batch Part = "batch"
	// Handshake opens channels, beside mutual TLS 1.3 and other protocols.
	Handshake Part = "handshake"
	// Garbage turns bad first messages away, and takes good opens step by step,
	// without a socket.
	Garbage Part = "garbage"
	// Flood opens channels at a venue that strangers send bad first messages to.
	Flood Part = "flood"
	// Channel sends records, beside TLS 1.3.
	Channel Part = "channel"
	// Idle holds channels between two processes open.
	Idle Part = "idle"
	// Tree admits, revokes and finds paths in member trees in memory.
	Tree Part = "tree"
	// Registry admits members to a registry on disk and opens it.
	Registry Part = "registry"
	// Admissions records nullifiers in a venue's store on disk.
	Admissions Part = "admissions"
	// Orders enters orders at a rate that is held, in all ways that they travel.
	Orders Part = "orders"
	// OrderThroughput enters as many orders as a gateway takes.
	OrderThroughput Part = "orders-throughput"
	// Failover kills gateways while orders flow.
	Failover Part = "failover"
)

// Parts lists the parts in the order they run.
func Parts() []Part {
	return []Part{Compile, Setup, Ceremony, Open, Prove, Plonk, Keys, Threshold, Cold, Verify, Batch, Handshake, Garbage, Flood, Channel, Idle, Tree, Registry, Admissions, Orders, OrderThroughput, Failover}
}

// ParsePart returns the part of a name. It returns an error wrapping
// [zkkex.ErrUnsupported] that lists the names.
func ParsePart(name string) (Part, error) {
	if p := Part(name); slices.Contains(Parts(), p) {
		return p, nil
	}
	return "", fmt.Errorf("%w: no part %q, expected one of %v", zkkex.ErrUnsupported, name, Parts())
}

// Rounds by default, and with [Options.Quick].
const (
	DefaultRounds = 20
	QuickRounds   = 3
)

// Options choose what is measured. The zero value measures everything but what
// needs a process of its own.
type Options struct {
	// Rounds is the number of measured rounds; 0 is [DefaultRounds], or
	// [QuickRounds] with Quick. Tasks of more than a second take fewer.
	Rounds int
	// Quick takes small registries, and few rounds. Its ratios are rough.
	Quick bool
	// Deep adds a ceremony of a domain of 2^16, which takes many minutes.
	Deep bool
	// Members are the sizes of the trees and registries; none means 1,000 up to
	// a million, and with Quick up to 10,000. A million takes two minutes or
	// so, and half a gigabyte of disk.
	Members []int
	// Parts are the parts to run; none means all.
	Parts []Part
	// Cold is the command, program first, of a fresh process that calls
	// [RunCold] and writes the result to its standard output. Without it the
	// part [Cold] is left out.
	Cold []string
	// Idle is the command, program first, of a fresh process that calls
	// [RunIdle] with its standard input and output. Without it the part [Idle] is
	// left out.
	Idle []string
	// Gateway is the command, program first, of a fresh process that calls
	// [RunOrders] with its standard input and output. Without it the parts
	// [Orders], [OrderThroughput] and [Failover] are left out.
	Gateway []string
	// PostgreSQL is the connection string of a server that orders are recorded in,
	// beside the journals on disk: in databases that are made and dropped. Without
	// it that is left out.
	PostgreSQL string
	// Dir is where temporary folders are made, and removed again; "" is the
	// system's folder. The disk it is on decides how fast admissions are.
	Dir string
	// Progress, if set, is told what is measured next.
	Progress func(Part, string)
}

func (o *Options) rounds() int {
	if o.Rounds > 0 {
		return o.Rounds
	}
	if o.Quick {
		return QuickRounds
	}
	return DefaultRounds
}

// Sizes that can be measured: there must be members to revoke, and room to
// admit more below the capacity of 2^20.
const (
	minMembers = 1_000
	maxMembers = 1_040_000
)

// large is the number of members from which memory is judged by the member.
const large = 1_000_000

func (o *Options) treeSizes() []int {
	switch {
	case len(o.Members) > 0:
		return o.Members
	case o.Quick:
		return []int{1_000, 10_000}
	default:
		return []int{1_000, 10_000, 100_000, large}
	}
}

func (o *Options) registrySizes() []int {
	switch {
	case len(o.Members) > 0:
		return o.Members
	case o.Quick:
		return []int{1_000}
	default:
		return []int{1_000, large}
	}
}

func (o *Options) wants(p Part) bool {
	if p == Cold && len(o.Cold) == 0 {
		return false
	}
	if p == Idle && len(o.Idle) == 0 {
		return false
	}
	if (p == Orders || p == OrderThroughput || p == Failover) && len(o.Gateway) == 0 {
		return false
	}
	return len(o.Parts) == 0 || slices.Contains(o.Parts, p)
}

func (o *Options) check() error {
	if o.Rounds < 0 {
		return fmt.Errorf("%d rounds, expected at least 1", o.Rounds)
	}
	for _, n := range o.Members {
		if n < minMembers || n > maxMembers {
			return fmt.Errorf("a registry of %d members, expected %d to %d", n, minMembers, maxMembers)
		}
	}
	for _, p := range o.Parts {
		if _, err := ParsePart(string(p)); err != nil {
			return err
		}
	}
	return nil
}
