package member

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/slots"
)

// Names in a state directory.
const (
	configName      = "config.json"
	lockName        = "lock"
	keyName         = "key"
	slotsName       = "slots"
	registriesName  = "registries"
	enrolmentsName  = "enrolments"
	delegationsName = "delegations"
	venuesName      = "venues"
)

// Create makes a state directory for a new secret, with the key file encrypted
// under a passphrase. The secret must be fresh: no slot was ever used with it.
// slotRange is where this directory takes its slots from, the zero range for
// all; several devices of one member have disjoint ones.
//
// It returns an error wrapping [fs.ErrExist] if there is a key or a slot state
// already, and those of [keys.WriteFile].
func Create(dir string, s *keys.Secret, passphrase string, slotRange slots.Range, now time.Time) error {
	return create(dir, s, slotRange, func(path string) error { return keys.WriteFile(path, s, passphrase, now) })
}

// CreateWithUnencryptedKey is [Create] with a key file that anybody who reads
// it can use; see [keys.WriteUnencryptedSecretFile].
func CreateWithUnencryptedKey(dir string, s *keys.Secret, slotRange slots.Range, now time.Time) error {
	return create(dir, s, slotRange, func(path string) error { return keys.WriteUnencryptedSecretFile(path, s, now) })
}

func create(dir string, s *keys.Secret, slotRange slots.Range, writeKey func(path string) error) error {
	if err := prepare(dir); err != nil {
		return err
	}
	if err := refuse(filepath.Join(dir, slotsName)); err != nil {
		return err
	}
	// A directory with a key and no slots is refused until it is recovered, so
	// that whatever happens in between, no slot is used twice.
	if err := writeKey(filepath.Join(dir, keyName)); err != nil {
		return err
	}
	return slots.Init(filepath.Join(dir, slotsName), true,
		slots.WithKey(s.Public().NullifierKeyHash()), slots.WithRange(slotRange))
}

// Restore makes a state directory from a backup that [Member.Backup] wrote. It
// can be one that is there but has lost its key. The slots used since the key
// was made are not known any more, so every epoch that may have any is refused;
// see [slots.Recover].
//
// It returns an error wrapping [fs.ErrExist] if there is a key already, and
// those of [keys.ReadBackup] and [keys.File.Open].
func Restore(dir, backup string, passphrase func() (string, error), slotRange slots.Range, now time.Time) error {
	if err := prepare(dir); err != nil {
		return err
	}
	path := filepath.Join(dir, keyName)
	if err := refuse(path); err != nil {
		return err
	}
	file, err := keys.ReadBackup(backup)
	if err != nil {
		return err
	}
	var used string
	s, err := file.Open(func() (_ string, err error) {
		used, err = passphrase()
		return used, err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", backup, err)
	}
	defer s.Wipe()
	// The key comes last: there must be no moment with a key and old slots.
	if err := recoverSlots(dir, s.Public(), slotRange, now); err != nil {
		return err
	}
	return keys.WriteFile(path, s, used, file.Created())
}

// Recover makes a slot state that can be relied on again, when the old one is
// missing, damaged, or was copied or put back; see [slots.Recover] for what it
// costs and when it is safe.
func Recover(dir string, slotRange slots.Range, now time.Time) error {
	file, err := readKey(dir)
	if err != nil {
		return err
	}
	return recoverSlots(dir, file.Public(), slotRange, now)
}

func recoverSlots(dir string, p *keys.Public, slotRange slots.Range, now time.Time) error {
	options := []slots.Option{slots.WithKey(p.NullifierKeyHash()), slots.WithClock(func() time.Time { return now })}
	if slotRange != (slots.Range{}) {
		options = append(options, slots.WithRange(slotRange))
	}
	return slots.Recover(filepath.Join(dir, slotsName), options...)
}

// prepare makes the directory and its configuration, where they are missing.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	err := atomicfile.Create(filepath.Join(dir, configName), (&config{}).encode(), 0o600)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	_, err = readConfig(dir)
	return err
}

func refuse(path string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s is there already, and is never overwritten: choose another directory, or move this one away as a whole: %w", path, fs.ErrExist)
}
