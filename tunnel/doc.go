// Package tunnel carries the connections of programs that know nothing of zkkex:
// a [Client] accepts them on a local port and gives each a channel to a venue of
// its own, and a [Server] connects each channel to the program behind the venue.
//
//	program --TCP--> Client --channel--> Server --TCP--> upstream
//
// Bytes arrive unchanged and in order, or the receiving program sees an error:
//
//   - The end of a stream is carried as one, in each direction by itself, so that
//     a program may stop sending and go on receiving.
//   - Whatever else ends a stream (a lost network, a killed process, a channel
//     that was cut, an epoch that is over) resets the connection of the program
//     on the other side, and that of a program whose own side was killed. It is
//     never shown as an end of file, because a program would take that for all
//     there was.
//   - A program that does not read holds back the one that writes, through the
//     channel. Nothing is kept but one buffer per direction, and none while the
//     direction is silent.
//
// A channel is one of package handshake, or any other [net.Conn] with CloseWrite()
// error, which ends a direction, and Abort() error, which ends both so that the
// peer cannot take it for an end. A connection that cannot be reset, such as one
// over a Unix socket, is refused unless AllowSilentTruncation is set.
//
// "Sees an error" means in one of its calls: Linux tells of a reset once, to
// whichever of a program's reads and writes comes first.
package tunnel
