package pgjournal

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// newCall returns a number that no other call has.
func newCall() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return int64(binary.BigEndian.Uint64(b[:]))
}

// Cursor implements [journal.Store].
func (s *Store) Cursor(ctx context.Context) (uint64, error) {
	var cursor int64
	err := s.row(ctx, []any{&cursor}, "select cursor from zkkex_journal.state")
	return uint64(cursor), err
}

// maxReports is the most reports at once, whatever their length.
const maxReports = 1024

const selectReports = `
select number, report from zkkex_journal.report where epoch = $1 and session = $2 and number >= $3 order by number limit $4`

// Reports implements [journal.Store].
func (s *Store) Reports(ctx context.Context, id order.SessionID, from uint64, limit int) (out []journal.Numbered, err error) {
	if err := checkEpoch(id); err != nil {
		return nil, err
	}
	err = s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, selectReports, int64(id.Epoch), id.ID, int64(min(from, math.MaxInt64)), max(0, min(limit, maxReports)))
		if err != nil {
			return err
		}
		out, err = page(rows)
		return err
	})
	return out, err
}

// page reads reports, up to the size of a page.
func page(rows pgx.Rows) (out []journal.Numbered, err error) {
	defer rows.Close()
	size := 0
	for rows.Next() {
		var number int64
		var report []byte
		if err := rows.Scan(&number, &report); err != nil {
			return nil, err
		}
		if size += len(report); size > journal.MaxPage && len(out) > 0 {
			return out, nil
		}
		out = append(out, journal.Numbered{Number: uint64(number), Report: report})
	}
	return out, rows.Err()
}

// LastReport implements [journal.Store].
func (s *Store) LastReport(ctx context.Context, id order.SessionID) (uint64, error) {
	if err := checkEpoch(id); err != nil {
		return 0, err
	}
	var last int64
	err := s.row(ctx, []any{&last}, "select last_report from zkkex_journal.session where epoch = $1 and id = $2", int64(id.Epoch), id.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return uint64(last), err
}

// requestsPage is the most requests that are read at once.
const requestsPage = 4096

const selectRequestsAfter = `
select epoch, session, id, digest, report from zkkex_journal.request
where epoch = $1 and session = $2 and id > $3 order by id limit $4`

// Requests implements [journal.Store].
func (s *Store) Requests(ctx context.Context, id order.SessionID, f func(journal.Request) error) error {
	if err := checkEpoch(id); err != nil {
		return err
	}
	for after := (order.ID{}); ; { // no request has the zero ID
		all, err := s.requestsAfter(ctx, id, after)
		if err != nil {
			return err
		}
		for _, r := range all {
			if err := f(r); err != nil {
				return err
			}
		}
		if len(all) < requestsPage {
			return nil
		}
		after = all[len(all)-1].ID
	}
}

func (s *Store) requestsAfter(ctx context.Context, id order.SessionID, after order.ID) (all []journal.Request, err error) {
	err = s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		all = all[:0]
		rows, err := conn.Query(ctx, selectRequestsAfter, int64(id.Epoch), id.ID, [16]byte(after), requestsPage)
		if err != nil {
			return err
		}
		return eachRequest(rows, func(_ order.SessionID, r journal.Request) error {
			all = append(all, r)
			return nil
		})
	})
	return all, err
}

// eachRequest calls f with requests, as epoch, session, id, digest, report.
func eachRequest(rows pgx.Rows, f func(order.SessionID, journal.Request) error) error {
	var epoch, report int64
	var session, id [16]byte
	var digest []byte
	_, err := pgx.ForEachRow(rows, []any{&epoch, &session, &id, &digest, &report}, func() error {
		if len(digest) != 32 {
			return fmt.Errorf("%w: a request's digest of %d bytes", ErrDamaged, len(digest))
		}
		return f(order.SessionID{Epoch: uint64(epoch), ID: session},
			journal.Request{ID: id, Digest: [32]byte(digest), Report: uint64(report)})
	})
	return err
}
