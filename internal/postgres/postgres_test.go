package postgres

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// set changes a setting of the server, and waits until it holds.
func set(t *testing.T, c *pgtest.Cluster, name, value string) {
	t.Helper()
	c.Set(t, name, value)
	for c.Query(t, c.DSN("postgres"), "show "+name) != value {
		time.Sleep(5 * time.Millisecond)
	}
}

// TestSettings has servers that cannot keep a store's promises, each for one
// reason.
func TestSettings(t *testing.T) {
	c := pgtest.Start(t, nil)
	standby := c.Standby(t, "second", nil)
	dsn := c.DSN("postgres")
	check := func(name, dsn string, o Options, want string) {
		t.Helper()
		db, err := Open(context.Background(), dsn, o)
		if want == "" {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			db.Close()
			return
		}
		var setting *SettingError
		if !errors.As(err, &setting) {
			t.Fatalf("%s: %v, want *SettingError", name, err)
		}
		if got := setting.Setting; got != want || setting.Expected == "" || !strings.Contains(err.Error(), want) {
			t.Fatalf("%s: %v, want it to name %s", name, err, want)
		}
	}
	check("as it is", dsn, Options{}, "")
	check("a standby", standby.DSN("postgres"), Options{}, "in_recovery")
	check("a standby first", pgtest.DSN("postgres", standby, c), Options{}, "")
	check("no standby that counts", dsn, Options{RequireReplicas: 1}, "synchronous_standby_names")
	for _, planted := range []struct{ setting, bad, good string }{
		{"fsync", "off", "on"}, {"full_page_writes", "off", "on"},
		{"synchronous_commit", "off", "on"},
	} {
		set(t, c, planted.setting, planted.bad)
		check(planted.setting, dsn, Options{}, planted.setting)
		set(t, c, planted.setting, planted.good)
	}
	c.Exec(t, "alter role "+pgtest.Role+" set default_transaction_read_only = on")
	check("read only", dsn, Options{}, "transaction_read_only")
	c.Exec(t, "alter role "+pgtest.Role+" reset default_transaction_read_only")
	set(t, c, "synchronous_standby_names", "second")
	check("one standby of one", dsn, Options{RequireReplicas: 1}, "")
	check("one standby of two", dsn, Options{RequireReplicas: 2}, "synchronous_standby_names")
	for _, weak := range []string{"local", "remote_write"} {
		set(t, c, "synchronous_commit", weak)
		check(weak+", with standbys", dsn, Options{RequireReplicas: 1}, "synchronous_commit")
		check(weak+", without", dsn, Options{}, "")
	}
}

// TestNoStandby has a primary that waits for a standby that is not there, as one
// that was replaced does: nobody gets to work with it, and nobody waits for ever.
func TestNoStandby(t *testing.T) {
	c := pgtest.Start(t, nil)
	set(t, c, "synchronous_standby_names", "gone")
	_, err := Open(context.Background(), c.DSN("postgres"), Options{RequireReplicas: 1, Timeout: time.Second})
	if err == nil {
		t.Fatal("connected to a primary that has lost its standby")
	}
}

func TestWaitsFor(t *testing.T) {
	for names, want := range map[string]int{
		"": 0, " ": 0, "one": 1, "one, two": 1, "*": 1, `"a b"`: 1,
		"2 (one, two, three)": 2, "FIRST 2 (one, two)": 2, "ANY 1 (one, two)": 1, "any 3(a,b,c)": 3, "ANY 99999999999999999999 (a)": 0,
	} {
		if got := waitsFor(names); got != want {
			t.Errorf("%q waits for %d, want %d", names, got, want)
		}
	}
}

// TestSecretsAreNotPrinted looks for the password in every error of a connection.
func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "correct-horse"
	address := pgtest.Shared(t).Address()
	for name, dsn := range map[string]string{
		"wrong password":      "postgres://venue:" + secret + "@" + address + "/postgres?sslmode=disable",
		"nobody there":        "postgres://venue:" + secret + "@127.0.0.1:1/postgres",
		"no such host":        "postgres://venue:" + secret + "@host.invalid/postgres",
		"a port that is none": "postgres://venue:" + secret + "@127.0.0.1:99999/postgres",
		"a slash in it":       "postgres://venue:a/" + secret + "@127.0.0.1/postgres",
		"keys and values":     "host=127.0.0.1 port=x password='" + secret + "'",
		"an open quote":       "host=127.0.0.1 password='" + secret,
		"a bad option":        "postgres://venue:" + secret + "@127.0.0.1/postgres?sslmode=none",
		"no DSN at all":       secret + "://",
		"pool options":        "postgres://venue:" + secret + "@127.0.0.1/postgres?pool_max_conns=none",
	} {
		_, err := Open(context.Background(), dsn, Options{Timeout: 2 * time.Second})
		if err == nil {
			t.Errorf("%s: connected", name)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
	if _, err := Open(context.Background(), "host=x port=y", Options{}); !errors.Is(err, ErrDSN) {
		t.Errorf("%v, want %v", err, ErrDSN)
	}
	if _, err := Open(context.Background(), pgtest.Database(t), Options{RequireReplicas: -1}); err == nil {
		t.Error("a negative option is accepted")
	}
}

func TestSchema(t *testing.T) {
	ctx := context.Background()
	one := Schema{Name: "things", Make: "the test's Init", Steps: []string{"create table things.a (n int)"}}
	two := one
	two.Steps = append([]string{}, one.Steps[0], "create table things.b (n int)")
	dsn := pgtest.Database(t)
	opens := func(s Schema) error {
		t.Helper()
		db, err := OpenSchema(ctx, dsn, Options{}, s)
		if err == nil {
			db.Close()
		}
		return err
	}
	if err := opens(one); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), one.Make) {
		t.Errorf("nothing there: %v, want %v and what to do", err, ErrMissing)
	}
	for range 2 { // again does nothing
		must(t, InitSchema(ctx, dsn, one))
		must(t, opens(one))
	}
	if err := opens(two); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), one.Make) {
		t.Errorf("an old schema: %v, want %v and what to do", err, ErrVersion)
	}
	pgtest.Shared(t).ExecIn(t, dsn, "insert into things.a values (7)")
	must(t, InitSchema(ctx, dsn, two))
	must(t, opens(two))
	if got := pgtest.Shared(t).Query(t, dsn, "select n from things.a, (select count(*) from things.b) b"); got != "7" {
		t.Errorf("after the second step: %q, want 7", got)
	}
	for name, err := range map[string]error{"opened": opens(one), "made": InitSchema(ctx, dsn, one)} {
		if !errors.Is(err, ErrVersion) {
			t.Errorf("%s with a newer schema: %v, want %v", name, err, ErrVersion)
		}
	}
}

// TestSchemaAtOnce has many make the same schema.
func TestSchemaAtOnce(t *testing.T) {
	s := Schema{Name: "things", Make: "the test's Init", Steps: []string{"create table things.a (n int)"}}
	dsn := pgtest.Database(t)
	errs := make(chan error)
	const many = 6
	for range many {
		go func() { errs <- InitSchema(context.Background(), dsn, s) }()
	}
	for range many {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestNeverCancels gives up on a statement that takes long: the server is not asked
// to cancel it, because that would end the wait for standbys in the middle of a
// commit. Here, it does what it was told.
func TestNeverCancels(t *testing.T) {
	dsn := pgtest.Database(t)
	c := pgtest.Shared(t)
	c.ExecIn(t, dsn, "create table done (n int)")
	db, err := Open(context.Background(), dsn, Options{})
	must(t, err)
	defer db.Close()
	ctx, cancel := context.WithCancel(context.Background())
	err = db.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		time.AfterFunc(50*time.Millisecond, cancel)
		_, err := conn.Exec(ctx, "with slept as materialized (select pg_sleep(0.5)) insert into done select 1 from slept")
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("given up: %v, want %v", err, context.Canceled)
	}
	for c.Query(t, dsn, "select count(*) from done") != "1" {
		if c.Query(t, dsn, "select count(*) from pg_stat_activity where query like '%slept%' and pid <> pg_backend_pid()") == "0" &&
			c.Query(t, dsn, "select count(*) from done") == "0" {
			t.Fatal("the statement was cancelled")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestWarning has the server acknowledge with a warning, as it does if somebody
// else ended the wait for standbys: it counts as unknown, and is tried again.
func TestWarning(t *testing.T) {
	db, err := Open(context.Background(), pgtest.Database(t), Options{Timeout: time.Second})
	must(t, err)
	defer db.Close()
	attempts := 0
	must(t, db.Do(context.Background(), func(ctx context.Context, conn *pgx.Conn) error {
		attempts++
		if attempts > 1 {
			return nil
		}
		_, err := conn.Exec(ctx, "do $$ begin raise warning 'planted'; end $$")
		return err
	}))
	if attempts != 2 {
		t.Errorf("%d attempts, want 2", attempts)
	}
	err = db.Do(context.Background(), func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "do $$ begin raise warning 'planted'; end $$")
		return err
	})
	if !errors.Is(err, ErrUncertain) {
		t.Errorf("warned every time: %v, want %v", err, ErrUncertain)
	}
}

// TestEverythingEnds has a server that does not answer.
func TestEverythingEnds(t *testing.T) {
	db, err := Open(context.Background(), pgtest.Database(t), Options{Timeout: 400 * time.Millisecond})
	must(t, err)
	defer db.Close()
	err = db.Do(context.Background(), func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "select pg_sleep(3600)")
		return err
	})
	if err == nil {
		t.Fatal("an hour is over")
	}
	// What cannot succeed is not tried for long.
	attempts := 0
	err = db.Do(context.Background(), func(ctx context.Context, conn *pgx.Conn) error {
		attempts++
		_, err := conn.Exec(ctx, "select none from nowhere")
		return err
	})
	if err == nil || attempts != 1 {
		t.Errorf("a statement that is wrong: %d attempts, %v", attempts, err)
	}
}

// TestServerComesBack kills the server under a store, and starts it again.
func TestServerComesBack(t *testing.T) {
	c := pgtest.Start(t, nil)
	db, err := Open(context.Background(), c.DSN("postgres"), Options{Timeout: time.Minute})
	must(t, err)
	defer db.Close()
	one := func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "select 1")
		return err
	}
	must(t, db.Do(context.Background(), one))
	c.Kill(t)
	ended := make(chan error)
	go func() { ended <- db.Do(context.Background(), one) }()
	c.Restart(t)
	must(t, <-ended)
}
