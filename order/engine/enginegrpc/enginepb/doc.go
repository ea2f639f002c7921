// Package enginepb is the Go code that protobuf's own generators make of
// engine.proto, by which a gateway speaks to a matching engine in another process.
// Go programs use package enginegrpc.
package enginepb

//go:generate go run ../../../../internal/protogen .
