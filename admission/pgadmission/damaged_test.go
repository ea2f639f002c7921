package pgadmission

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/internal/pgtest"
)

// TestDamaged plants rows that are not what was written: the store says so, and
// takes them for no answer.
func TestDamaged(t *testing.T) {
	ctx := context.Background()
	s, dsn := newStore(t)
	r := admissiontest.Record(t, epoch, 1, 1)
	_, _, err := s.Admit(ctx, r)
	must(t, err)
	shard, err := r.Shard()
	must(t, err)
	must(t, s.Ban(ctx, shard, admission.Pseudonym{1}))
	for name, plant := range map[string]string{
		"half a record":       "update zkkex_admission.record set record = substr(record, 1, 100)",
		"another's record":    "update zkkex_admission.record set record = set_byte(record, 5, (get_byte(record, 5) + 1) % 256)",
		"a record that is no": "update zkkex_admission.record set record = ''",
		"a ban that is none":  "update zkkex_admission.ban set pseudonym = 'short'",
	} {
		pgtest.Shared(t).ExecIn(t, dsn, "create table kept as select record from zkkex_admission.record")
		pgtest.Shared(t).ExecIn(t, dsn, plant)
		_, byKey := s.ByKey(ctx, shard, r.Key)
		_, byNullifier := s.ByNullifier(ctx, shard, r.Statement.Nullifier)
		_, _, admitted := s.Admit(ctx, r)
		if _, err := s.Bans(ctx, shard); strings.Contains(name, "ban") {
			byKey, byNullifier, admitted = err, err, err
		}
		for call, err := range map[string]error{"ByKey": byKey, "ByNullifier": byNullifier, "Admit": admitted} {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %s: %v, want %v", name, call, err, ErrDamaged)
			}
		}
		pgtest.Shared(t).ExecIn(t, dsn, "update zkkex_admission.record r set record = kept.record from kept")
		pgtest.Shared(t).ExecIn(t, dsn, "drop table kept")
	}
}

// TestOpenSaysWhatIsMissing opens what is no store.
func TestOpenSaysWhatIsMissing(t *testing.T) {
	ctx := context.Background()
	dsn := pgtest.Database(t)
	if _, err := Open(ctx, dsn, Options{}); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "pgadmission.Init") {
		t.Errorf("%v, want %v and what to run", err, ErrMissing)
	}
	must(t, Init(ctx, dsn))
	pgtest.Shared(t).ExecIn(t, dsn, "update zkkex_admission.version set number = 99")
	if _, err := Open(ctx, dsn, Options{}); !errors.Is(err, ErrVersion) {
		t.Errorf("a newer store: %v, want %v", err, ErrVersion)
	}
	if _, err := Open(ctx, "host=x port=y password=secret", Options{}); !errors.Is(err, ErrDSN) || strings.Contains(err.Error(), "secret") {
		t.Errorf("no DSN: %v, want %v", err, ErrDSN)
	}
}

// TestInitKeeps makes a store where one is: it stays as it is.
func TestInitKeeps(t *testing.T) {
	ctx := context.Background()
	s, dsn := newStore(t)
	r := admissiontest.Record(t, epoch, 1, 1)
	_, _, err := s.Admit(ctx, r)
	must(t, err)
	must(t, Init(ctx, dsn))
	if _, fresh, err := open(t, dsn).Admit(ctx, r); err != nil || fresh {
		t.Errorf("admitted again: fresh: %v, %v", fresh, err)
	}
}
