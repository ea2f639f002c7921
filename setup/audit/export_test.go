package audit

// Names are the names of all checks.
var Names = names()
