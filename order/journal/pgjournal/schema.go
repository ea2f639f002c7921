package pgjournal

import "github.com/zkkex/zkkex/internal/postgres"

// schema is the journal's. What grows with trading is in partitions, one per
// epoch, named by its number: report_N, request_N, orders_N, fix_message_N.
//
// Unsigned numbers are kept in bigint: those of events, requests and reports are
// at most journal.MaxNumber, and epochs as well. Places have the highest bit
// flipped, which keeps their order.
var schema = postgres.Schema{
	Name: "zkkex_journal",
	Make: "pgjournal.Init, as 'zkkex gateway init' does,",
	Steps: []string{`
create table zkkex_journal.state (
	cursor bigint not null  -- the last event recorded
) with (fillfactor = 10);
insert into zkkex_journal.state values (0);
create table zkkex_journal.venue (
	halted boolean not null,
	pruned bigint  not null   -- sessions of epochs before it have ended
);
insert into zkkex_journal.venue values (false, 0);
create table zkkex_journal.gateway (
	name text        primary key,
	beat timestamptz not null
);
create table zkkex_journal.session (
	epoch       bigint  not null,
	id          uuid    not null,
	attachment  bigint  not null default 0,
	gateway     text    not null default '',
	detached    timestamptz,
	next_seq_no bigint  not null default 1,
	last_report bigint  not null default 0,
	grace_ms    bigint  not null default 0,
	keep_orders boolean not null default false,
	primary key (epoch, id)
) with (fillfactor = 50);
create table zkkex_journal.alias (
	alias_epoch bigint not null,
	alias_id    uuid   not null,
	epoch       bigint not null,
	id          uuid   not null,
	primary key (alias_epoch, alias_id)
);
create table zkkex_journal.ban (
	epoch bigint not null,
	id    uuid   not null,
	primary key (epoch, id)
);
-- The last Append of each open store: whoever does not know whether it took place
-- finds out.
create table zkkex_journal.append (
	handle  uuid        primary key,
	call    bigint      not null,
	numbers bigint[]    not null,
	skipped integer     not null,
	at      timestamptz not null
) with (fillfactor = 50);
create table zkkex_journal.report (
	epoch   bigint not null,
	session uuid   not null,
	number  bigint not null,
	report  bytea  not null,
	primary key (epoch, session, number)
) partition by list (epoch);
create table zkkex_journal.request (
	epoch   bigint not null,
	session uuid   not null,
	id      uuid   not null,
	digest  bytea  not null,
	report  bigint not null,
	primary key (epoch, session, id)
) partition by list (epoch);
create table zkkex_journal.orders (
	epoch         bigint  not null,
	session       uuid    not null,
	id            uuid    not null,
	cl_ord_id     uuid    not null,
	owner_key     bytea   not null,
	symbol        text    not null,
	open          boolean not null,
	expires_ms    bigint  not null,
	place         bigint  not null,
	time_in_force integer not null,
	exec_inst     integer not null,
	report        bytea,   -- as order.AppendReport has it
	quote         bytea,   -- as order.AppendRequest has it
	primary key (epoch, session, id)
) partition by list (epoch);
create index on zkkex_journal.orders (cl_ord_id);
create index on zkkex_journal.orders (epoch, session) where open;
create table zkkex_journal.fix (
	epoch   bigint      not null,
	id      uuid        not null,
	send    bigint      not null default 1,
	receive bigint      not null default 1,
	created timestamptz not null,
	primary key (epoch, id)
) with (fillfactor = 50);
create table zkkex_journal.fix_message (
	epoch   bigint not null,
	id      uuid   not null,
	number  bigint not null,
	message bytea  not null,
	primary key (epoch, id, number)
) partition by list (epoch);
`},
}
