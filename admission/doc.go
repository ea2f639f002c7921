// Package admission decides, for a venue, about session certificates: which are
// admitted, how often each was opened, and until when its channels may live.
//
// A [Gate] implements [handshake.Gate]. It holds the terms that the venue's
// descriptors name for the current epoch and the next one, verifies proofs by
// them, and keeps what it decided in a [Store]: [Memory] for tests, and [Dir]
// for venues.
//
// # What is recorded
//
// A [Record] is unique by (scope, nullifier) and by (scope, session key). So a
// slot admits one certificate, and nobody who copies a session key out of
// another's certificate gets in its way: the first record stands. A record is
// made after its proof was verified, never before, in one atomic step; of two
// certificates under one nullifier, one is admitted, whenever they come.
//
// The proof's bytes are no part of a record. Anybody can re-randomise a proof,
// and the certificate stays the same one, admitted once.
//
// An open is recorded as (scope, nullifier, counter), once. That a certificate
// was admitted, again or not, says nothing about its opens: early data is
// delivered only after a fresh, durable [Store.Spend].
//
// # Fail closed
//
// Every error that does not wrap [zkkex.ErrRejected] means that the gate could
// not tell, and nobody is let in then. Channels that are open stay open: nothing
// about them asks the store.
//
// docs/spec/admission.md has the rules and the format on disk.
package admission
