package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
)

// disk is what is on the venue's disk.
type disk struct {
	// files is every byte of the stores' files, and entries every key and value of
	// their databases, which the files may hold compressed.
	files, entries []byte
	// admissions are the decoded records of who was let in.
	admissions []*admission.Record
	// orders are what the journal holds of the order that is watched, and reports
	// how many reports it has for the order's session.
	orders  []*engine.Order
	reports uint64
}

// Where the stores keep their databases, in the folders of venue and gateway.
const (
	admissionsFolder = "admissions"
	journalFolder    = "journal"
	databaseFolder   = "db"
)

// seize reads the venue's disk while the gateway is down, as somebody could who
// carried it away.
func (p *play) seize() error {
	seen := p.seen
	for _, at := range []string{p.path(filepath.Join(venueFolder, admissionsFolder)), p.path(filepath.Join(gatewayFolder, journalFolder))} {
		files, err := everything(os.DirFS(at))
		if err != nil {
			return err
		}
		seen.disk.files = append(seen.disk.files, files...)
		if err := seen.disk.readDatabase(filepath.Join(at, databaseFolder)); err != nil {
			return fmt.Errorf("reading %s: %w", at, err)
		}
	}
	return seen.disk.readJournal(p.path(filepath.Join(gatewayFolder, journalFolder)), seen.order.ID, seen.session)
}

// readDatabase reads all keys and values, and decodes the records of admissions.
func (d *disk) readDatabase(path string) (err error) {
	db, err := pebble.Open(path, &pebble.Options{ReadOnly: true, Logger: silent{}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	all, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	for all.First(); all.Valid(); all.Next() {
		value, err := all.ValueAndErr()
		if err != nil {
			return err
		}
		d.entries = append(append(d.entries, all.Key()...), value...)
		if r, err := admission.ParseRecord(value); err == nil {
			d.admissions = append(d.admissions, r)
		}
	}
	return all.Error()
}

// readJournal decodes what the journal has of an order, and of its session.
func (d *disk) readJournal(path string, id order.ID, session order.SessionID) (err error) {
	j, err := pebblejournal.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	if d.orders, err = j.Orders(context.Background(), id); err != nil {
		return err
	}
	d.reports, err = j.LastReport(context.Background(), session)
	return err
}

// admitted returns the admission that a session began with.
func (d *disk) admitted(s order.SessionID) (*admission.Record, error) {
	for _, r := range d.admissions {
		if order.NewSessionID(r.Epoch.Number, r.Statement.Nullifier[:]) == s {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%w: none of %d admissions began session %s: %w", ErrUnexpected, len(d.admissions), s, fs.ErrNotExist)
}

// silent is a log of a database that nobody reads.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(msg string, args ...any) {
	panic(fmt.Sprintf(msg, args...)) // the database is damaged in a way it cannot go on from
}

var _ pebble.Logger = silent{}
