package descriptor

import "github.com/zkkex/zkkex/internal/redact"

// silent is embedded where there are secrets, which are also kept behind
// functions: formatters follow pointers but never call functions.
type silent = redact.Silent
