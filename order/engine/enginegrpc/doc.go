// Package enginegrpc puts gRPC between a gateway and a matching engine in another
// process: [Server] around any engine, and [Client], which is one. The service is
// that of engine.proto, for engines that are not written in Go.
//
// A client hands over what many callers give it at once in one call, in their
// order. A connection that breaks is made again, commands whose answer was lost are
// given again, which engines do not do twice, and events are taken up where they
// broke off. All of that goes on for as long as [Config.Patience] says, before a
// caller gets an error.
//
// Between machines, both need TLS with a certificate on either side: whoever
// reaches an engine can trade on it. Plain connections are for Unix sockets and
// loopback addresses only.
package enginegrpc
