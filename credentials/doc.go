// Package credentials has gRPC ride on channels: [NewClient] and [NewServer]
// return what google.golang.org/grpc asks for, and [FromContext] tells a handler
// who calls.
//
// Handshakes are best done before gRPC sees a connection: on the server by a
// [handshake.Listener], which bounds how many are under way, what they cost and
// how long they take; on the client by a dial function, such as that of package
// member, given to [google.golang.org/grpc.WithContextDialer]. The credentials
// then take the channel as it is. Where gRPC makes the connections itself, they
// do the handshake.
//
// gRPC connects again by itself when a connection is lost, and after an idle
// time. Each time is an open, and the function that opens says whether it is
// linkable to the one before: with the same certificate it is, with a fresh one,
// which takes a slot, it is not.
//
// Host names and authorities are not checked, because nothing here rests on them:
// a channel reaches the venue whose descriptor it was opened with, or fails.
package credentials
