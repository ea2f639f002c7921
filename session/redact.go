package session

import "github.com/zkkex/zkkex/internal/redact"

// silent is embedded where there are secrets.
type silent = redact.Silent
