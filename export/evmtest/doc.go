// Package evmtest runs the contracts that package export writes, compiled by
// solc, in go-ethereum's virtual machine. It has tests only, and is a module of
// its own: go-ethereum is under the LGPL, takes minutes to compile, and is no
// dependency of zkkex. When a version in zkkex' go.mod changes, "go mod tidy" in
// this folder takes it over.
package evmtest
