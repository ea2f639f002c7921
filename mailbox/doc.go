// Package mailbox carries a first message to a venue that need not be there, and
// its answer back: for members that are rarely connected, and for venues behind
// no open port.
//
// A message is opaque here: message 1 of a handshake, with early data, made with
// a prekey of the venue. The answer is message 2, and the records that follow it.
// It makes sense until the prekey or the certificate's epoch ends, whichever is
// first.
//
//	member --Post--> Mailbox                     Mailbox <--Answer-- member, later
//	                 messages/ID --> Server --> answers/ID
//
// A [Folder] is a mailbox that member and venue share: on one machine, on a
// network file system, on a disk that is carried to and fro. A [Client] is one
// over HTTP, to a [Handler] that stands in front of a folder. A [Server] is the
// venue's side of a folder.
//
// # What is promised
//
// Once Post has returned, a message is not lost in a crash, and neither is an
// answer that was written; there is one answer to an identifier at most, and it
// does not change. Everything ends after the folder's time to live.
//
// That a message takes effect once is not promised: a server that is killed while
// it handles one handles it again. The handshake sees to that, with the atomic
// record of the open counter before early data is delivered.
//
// Nothing here is secret or authentic by itself, and nothing needs to be: both is
// the handshake's. Whoever keeps the mailbox learns times, sizes and addresses.
//
// docs/spec/mailbox.md has the files and the paths.
package mailbox
