// Command protogen generates Go code from .proto files without protoc: it compiles
// them itself, and runs the plugins protoc-gen-go, of the version in go.mod, and
// protoc-gen-go-grpc.
//
//	go run ./internal/protogen folder...          write the generated files
//	go run ./internal/protogen -check folder...   fail if they are not what would be written
//
// Without a folder, it does all folders of the module that have .proto files. Files
// import each other by their path in the module.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

// run is the command. The module is the one around the working directory.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("protogen", flag.ContinueOnError)
	check := flags.Bool("check", false, "write nothing; fail if a generated file differs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	folders, err := protoFolders(root, flags.Args())
	if err != nil {
		return err
	}
	generated, err := generate(ctx, root, folders)
	if err != nil {
		return err
	}
	if *check {
		return compare(root, folders, generated, out)
	}
	return write(root, folders, generated)
}
