package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"
)

// plugins are the commands that generate code. The first is of the version in
// go.mod; the second is a module of its own.
var plugins = []string{
	"google.golang.org/protobuf/cmd/protoc-gen-go",
	"google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
}

// parameter makes plugins write beside the .proto file.
const parameter = "paths=source_relative"

// generate compiles the .proto files of folders, which are relative to root, and
// returns the generated files by their path.
func generate(ctx context.Context, root string, folders []string) (map[string]string, error) {
	var names []string
	for _, folder := range folders {
		entries, err := os.ReadDir(path.Join(root, folder))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".proto") {
				names = append(names, path.Join(folder, e.Name()))
			}
		}
	}
	if len(names) == 0 {
		return nil, errors.New("no .proto file was found")
	}
	request, err := compile(ctx, root, names)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string)
	for _, plugin := range plugins {
		if err := runPlugin(ctx, plugin, request, out); err != nil {
			return nil, fmt.Errorf("%s: %w", plugin, err)
		}
	}
	return out, nil
}

// compile returns what plugins read: the files and all that they import, each after
// what it imports.
func compile(ctx context.Context, root string, names []string) (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{root}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(ctx, names...)
	if err != nil {
		return nil, err
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: names, Parameter: proto.String(parameter)}
	seen := make(map[string]bool)
	for _, f := range files {
		request.ProtoFile = appendFile(request.ProtoFile, f, seen)
	}
	return request, nil
}

// runPlugin adds to out what a plugin generates. It runs in the working directory,
// whose module says which version.
func runPlugin(ctx context.Context, plugin string, request *pluginpb.CodeGeneratorRequest, out map[string]string) error {
	input, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "run", plugin)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, stderr.Bytes())
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(stdout.Bytes(), &response); err != nil {
		return err
	}
	if response.Error != nil {
		return errors.New(response.GetError())
	}
	for _, f := range response.File {
		out[f.GetName()] = f.GetContent()
	}
	return nil
}
