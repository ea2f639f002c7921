// Package slots hands out a member's slots, each once.
//
// A slot that is used twice in one scope gives one nullifier twice: the second
// proof is refused, and the two are known to be of one member. A slot is
// therefore recorded durably before it is handed out, and a record that cannot
// be relied on is never guessed.
//
// A [Counter] keeps its state in a folder, in one small file that is replaced
// atomically: a temporary file is written and synced, renamed, and the folder
// is synced. Only then [Counter.Take] returns. Calls that wait at the same time
// share one replacement. Goroutines, several Counters and several processes can
// use one folder; a lock on it admits one at a time, and the system releases
// the lock of a process that dies. The format of the file is in
// docs/spec/slots.md.
//
// # What is detected
//
//   - A state that is missing: [ErrMissing]. Somebody deleted it, or copied the
//     key without it.
//   - A state that is damaged: [ErrDamaged]. The file ends in a checksum.
//   - A state that was copied, or restored from a backup of files: [ErrCopied].
//     The file names the inode it is in, and when that was born, which no copy
//     of its content shares and which moving within a file system keeps. Where
//     the system does not tell times of birth, a copy that was given the same
//     inode passes.
//   - A state whose file has a second name: [ErrLinked]. Backups by hard links
//     (cp -al) make one, and the next replacement would leave the old state
//     there, in its own inode.
//   - A state that goes back while a Counter is open: [ErrRolledBack].
//   - A state that belongs to another key: [ErrOtherKey], if [WithKey] is used.
//
// Each of them but a second name, which is removed, ends in [Recover], by decision
// of a person who knows what happened. It starts a state that refuses, with [ErrRestored], every epoch in
// which slots may have been taken before: those that had begun, and those whose
// slots could be taken ahead already. The error says when the first usable
// epoch begins. Nothing asks a venue which slots are used; that would tell it
// who asks.
//
// # What cannot be detected
//
// A file that comes back itself, not as a copy. Whoever moves the folder aside,
// recovers or begins anew in its place, and later moves the old folder back, has
// the old state, and slots taken meanwhile can be taken again. The same holds for
// a file that is moved out and back, and for a second name made in the moment
// between two looks. Do not move a state back that another one has followed:
// delete it.
//
// Whatever puts back the disk as a whole, below the file system, puts back the
// state without a trace: a snapshot of a virtual machine, of a volume or of a
// container's storage, or an image started twice. After such a rollback, run
// [Recover] before the next proof. Do not start one image twice: give each
// device, machine or process its own folder and its own [Range], so that none
// of them can take another's slots. The same holds for one key on several
// devices; nothing tells them of each other.
//
// # The clock
//
// Records decide about reuse, not the clock. Setting the clock back reopens
// nothing: the records of an epoch are kept until [PruneMargin] after its end,
// and when they are dropped, the schedule's last dropped epoch is remembered,
// and it and all before it are refused with [ErrEpochOver] for good. Setting
// the clock forward by mistake and back again costs slots of running epochs at
// most. [Recover] does read the clock: if it is behind by more than
// [ClockMargin] there, or was ahead by as much before the loss, slots of one
// epoch can be taken again.
package slots
