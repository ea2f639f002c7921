// Package server serves a gateway of anonymous orders on the channels that a
// venue's members open: it looks at the first bytes of each, and takes what the
// member speaks. To the network all of them look alike.
//
//   - the framed protocol of package order, the fast path;
//   - the same messages over gRPC (package ordergrpc);
//   - the same messages as JSON over a WebSocket (package orderws);
//   - FIX 4.4 (package fixedge), as it comes out of "zkkex tunnel".
//
// [Open] makes a whole gateway of a folder: a venue, a journal, an engine, and what
// operators look at.
package server
