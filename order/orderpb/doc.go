// Package orderpb is the Go code that protobuf's own generators make of order.proto,
// the schema of order entry. Package order has an encoder and a strict decoder of
// its own for the same bytes, and is what Go programs use; this package is for gRPC
// tools, for other languages to compare with, and for the tests that both agree.
package orderpb

//go:generate go run ../../internal/protogen .
