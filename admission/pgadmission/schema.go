package pgadmission

import "github.com/zkkex/zkkex/internal/postgres"

// schema is the store's. Partitions are named record_E, open_E and ban_E, E being
// the end of the epoch in Unix seconds.
var schema = postgres.Schema{
	Name: "zkkex_admission",
	Make: "pgadmission.Init, as 'zkkex gateway init' does,",
	Steps: []string{`
create table zkkex_admission.closed (
	-- Epochs that ended then, in Unix seconds, or before are closed for good.
	until bigint not null
);
insert into zkkex_admission.closed values (-1);
create table zkkex_admission.record (
	epoch_end bigint not null,
	scope     bytea  not null,
	nullifier bytea  not null,
	key       bytea  not null,
	-- As docs/spec/admission.md has it.
	record    bytea  not null,
	-- A random number of the call that recorded it: whoever does not know whether a
	-- commit took place finds out.
	call      bigint not null,
	primary key (epoch_end, scope, nullifier),
	unique (epoch_end, scope, key)
) partition by list (epoch_end);
create table zkkex_admission.open (
	epoch_end bigint not null,
	scope     bytea  not null,
	nullifier bytea  not null,
	counter   bigint not null,
	call      bigint not null,
	primary key (epoch_end, scope, nullifier, counter)
) partition by list (epoch_end);
create table zkkex_admission.ban (
	epoch_end bigint not null,
	scope     bytea  not null,
	pseudonym bytea  not null,
	primary key (epoch_end, scope, pseudonym)
) partition by list (epoch_end);
`},
}
