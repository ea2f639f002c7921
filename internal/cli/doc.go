// Package cli is the zkkex command. [Main] is the whole of it: what a command
// reads, writes and knows comes in an [Env], so that tests run it as a user
// does.
//
// # Rules of output
//
//   - What a command was asked for goes to standard output, and nothing else
//     does: it can be piped.
//   - Everything said to a person (progress, warnings, hints, errors) goes to
//     standard error, a line each, beginning with "zkkex: ". --quiet leaves
//     warnings and errors.
//   - Sentences begin in lower case and have no full stop, as Go errors do; help
//     texts are prose.
//   - With --json, standard output has exactly one JSON object, for an error as
//     well: {"error": {"code", "message", "hint"}}. Field names are stable.
//   - The exit code is the same with --json and without; see [Exit].
//   - No colours and no cursor movements, and control characters from outside
//     are escaped.
//   - Anything that takes longer than a second says what it is doing.
//   - A mistake gets the hint that mends it, not the usage text.
//   - "-" is standard input or output wherever a file is named.
//   - A secret is never an argument and never printed, not even on request.
package cli
