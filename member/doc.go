// Package member is a member's front door: a state directory with the key, the
// slots that are used up, and a copy of every registry that the member trusts.
//
//	config.json          the registries, and the key of each
//	key                  the key file, mode 0600
//	slots/               which slots are used (package slots)
//	registries/ID/       the copy of a registry (package mirror)
//	enrolments/ID        a request to a registry, until the leaf is in it
//
// The directory has mode 0700. It must not be copied, nor be put back from a
// backup of files: slots would be used twice, and two sessions be known to be
// one member's. [Member.Backup] writes what can be kept elsewhere, and
// [Restore] makes a directory out of it that never uses a slot again. The format
// is in docs/spec/state-directory.md.
//
// Opening a directory needs no passphrase: it is asked for when the key is
// first used, by [Member.Prove], [Member.Enrol], [Member.EnrolOffline] and
// [Member.Backup].
package member
