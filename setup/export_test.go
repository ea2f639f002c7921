package setup

// Compare is the part of [VerifyUniversal] that makes a set again.
var Compare = (*Universal).compare
