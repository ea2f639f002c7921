package registrar

import (
	"errors"
	"fmt"
)

// ErrDamaged is matched by every [DamageError].
var ErrDamaged = errors.New("registry is damaged")

// DamageError reports content that no interrupted write explains. Nothing is
// repaired: restore the file from a backup that holds at least as many records.
type DamageError struct {
	// File is the file's name in the registrar's folder.
	File string
	// Record is the number of the record, counted from 0, and -1 for the
	// file's header or where there are no records.
	Record int64
	// Offset is the position of the record in the file, in bytes.
	Offset int64
	// Err says what is wrong.
	Err error
}

// Error names the place, what is wrong there, and what to do.
func (e *DamageError) Error() string {
	place := "its header"
	if e.Record >= 0 {
		place = fmt.Sprintf("record %d", e.Record)
	}
	return fmt.Sprintf("registry is damaged: %s, %s at byte %d: %v; nothing was changed, restore the folder from a backup", e.File, place, e.Offset, e.Err)
}

// Is reports whether target is [ErrDamaged].
func (e *DamageError) Is(target error) bool { return target == ErrDamaged }

// Unwrap returns what is wrong.
func (e *DamageError) Unwrap() error { return e.Err }

// damagedAt reports damage of a journal record.
func damagedAt(n uint64, err error) error {
	return &DamageError{File: journalFile, Record: int64(n), Offset: offsetOf(n), Err: err}
}
