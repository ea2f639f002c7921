// Package venueclient is a client's side of a venue's front door: it brings a
// [descriptor.Chain] up to date from a server, or from a folder that the venue
// exported, and turns a descriptor into what a handshake takes.
//
// # What a server learns
//
// What is asked for follows from the venue's log and from the last descriptor
// that the client has, and from nothing else: two clients that have the same one
// send the same requests, byte for byte. Redirects are not followed, and there
// are no cookies, no validators and no version. Addresses and times are outside:
// use a proxy, and update on a schedule, at random times, not when a connection is
// wanted.
//
// # What is trusted
//
// Nothing of the server. A descriptor is the venue's by the signatures of the
// pinned identity; [descriptor.Chain] refuses what contradicts those before, and
// keeps the evidence. A server can hold newer ones back, at most until the last
// one known ends.
package venueclient
