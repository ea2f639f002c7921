// Package pebblejournal keeps the journal of one gateway in a folder: a database of
// Pebble, an embedded LSM store with a write-ahead log.
//
// What was told to be recorded survives kill -9, and loss of power as far as the
// file system keeps its promises. Calls at once share one sync of the log.
//
//	format  what the folder is, and the version of its layout
//	db/     the database
//	lock    held while the journal is open
//
// A journal that cannot write, as on a full disk, answers with
// [journal.ErrUnavailable], and goes on by itself when it can again. What a call
// that failed wanted to record is recorded in whole or not at all; made again, the
// call does the same.
//
// In memory are, beside Pebble's caches, the sessions that were not pruned, some
// 300 bytes each, and the names of open orders, some 200.
//
// docs/spec/journal.md has the format on disk.
package pebblejournal
