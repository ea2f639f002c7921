package postgres

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// SettingError reports a server that cannot keep a store's promises.
type SettingError struct {
	// Setting is the parameter of PostgreSQL, or "in_recovery" for a standby.
	Setting string
	// Found is its value, Expected what it must be.
	Found, Expected string
}

// Error names the setting, its value, and what it must be.
func (e *SettingError) Error() string {
	return fmt.Sprintf("the PostgreSQL server has %s = %q, expected %s", e.Setting, e.Found, e.Expected)
}

// inRecovery is the name of what is no setting.
const inRecovery = "in_recovery"

const settingsQuery = `select pg_is_in_recovery()::text, current_setting('transaction_read_only'),
 current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
 current_setting('synchronous_standby_names'), current_setting('server_version_num')`

// oldestVersion is the oldest server that is tested.
const oldestVersion = 140000

// checkSettings returns a [*SettingError] for the first setting that is wrong.
func checkSettings(ctx context.Context, conn *pgconn.PgConn, replicas int) error {
	row, err := queryRow(ctx, conn, settingsQuery)
	if err != nil {
		return fmt.Errorf("asking the PostgreSQL server for its settings: %w", err)
	}
	return judge(row, replicas)
}

func queryRow(ctx context.Context, conn *pgconn.PgConn, sql string) ([]string, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return nil, fmt.Errorf("expected one row")
	}
	var row []string
	for _, value := range results[0].Rows[0] {
		row = append(row, string(value))
	}
	return row, nil
}

// judge reads the answer to settingsQuery.
func judge(row []string, replicas int) error {
	if len(row) != 7 {
		return fmt.Errorf("asking the PostgreSQL server for its settings: %d values, expected 7", len(row))
	}
	// What a commit waits for: the disk of the standby is not in remote_write, and
	// the standby is not in local.
	commit := []string{"on", "remote_apply", "remote_write", "local"}
	if replicas > 0 {
		commit = commit[:2]
	}
	for _, s := range []struct {
		name, found string
		allowed     []string
		why         string
	}{
		{inRecovery, row[0], []string{"false"}, "a primary: this is a standby"},
		{"transaction_read_only", row[1], []string{"off"}, "off: a store writes"},
		{"fsync", row[2], []string{"on"}, "on: without it, a loss of power forgets what was acknowledged"},
		{"full_page_writes", row[3], []string{"on"}, "on: without it, a loss of power can damage pages"},
		{"synchronous_commit", row[4], commit, strings.Join(commit, " or ") + ": otherwise commits are acknowledged too soon"},
	} {
		if !slices.Contains(s.allowed, s.found) {
			return &SettingError{Setting: s.name, Found: s.found, Expected: s.why}
		}
	}
	if n := waitsFor(row[5]); n < replicas {
		return &SettingError{Setting: "synchronous_standby_names", Found: row[5],
			Expected: fmt.Sprintf("at least %d synchronous standby, such as 'ANY %d (one, two)', as the store's RequireReplicas says", replicas, replicas)}
	}
	if version, err := strconv.Atoi(row[6]); err != nil || version < oldestVersion {
		return &SettingError{Setting: "server_version_num", Found: row[6], Expected: strconv.Itoa(oldestVersion) + " or later"}
	}
	return nil
}

var standbyCount = regexp.MustCompile(`^(?i:(?:FIRST|ANY)\s+)?(\d+)\s*\(`)

// waitsFor returns how many standbys a value of synchronous_standby_names makes a
// commit wait for.
func waitsFor(names string) int {
	names = strings.TrimSpace(names)
	if names == "" {
		return 0
	}
	match := standbyCount.FindStringSubmatch(names)
	if match == nil {
		return 1 // a plain list waits for the first
	}
	n, err := strconv.Atoi(match[1])
	if err != nil {
		return 0
	}
	return n
}
