// Package venue is a venue's front door: a folder that holds who the venue is,
// what it says about itself, whom it admits and whom it has admitted.
//
// [Init] makes the folder, [Open] opens it, [Venue.Run] keeps it going: it
// follows the registry, issues descriptors in time, publishes them and destroys
// what is over. [Venue.Listen] takes members' sessions, and [Venue.Handler] serves
// what clients fetch; package venueclient is the other side of that.
//
// # Which root
//
// Everybody who opens a session in an epoch proves against one root, so that the
// choice of a root separates nobody. A descriptor names it for the epoch it
// begins in and for the next one. A root is the newest of the registry when it is
// first named, and from then on stays: an admission counts at the venue from the
// second epoch after it at the latest, and so does a revocation, unless
// [Venue.Raise] brings it in at once.
//
// # Fail closed
//
// Whatever the venue cannot do, it does not pretend: a root is not named while
// the registry's newest checkpoint is too old, or holds too few members; then the
// descriptors end, one after the other, and clients are told so. [Status] says
// what is wrong, since when.
//
// # Folder
//
//	config.json       what the operator decided
//	identity          the long-term key that signs descriptors, mode 0600
//	identity-mldsa65  the second one, of a venue with ML-DSA, mode 0600
//	descriptors/      what was issued (package descriptor), and private prekeys
//	registry/         the venue's own copy of the registry (package mirror)
//	admissions/       whom it admitted, and which opens were used
//	lock              held while the folder is open
//
// A folder that is restored from a backup must not be used: it does not know what
// was signed and admitted since. Take a new identity instead. The files are
// specified in docs/spec/venue-directory.md, what is served in
// docs/spec/venue-log.md.
package venue
