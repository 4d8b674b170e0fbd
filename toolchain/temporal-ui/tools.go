//go:build tools

// Package tools names what this module builds, so that go.mod and go.sum pin it and all it needs.
package tools

import (
	_ "github.com/temporalio/ui-server/v2/cmd/server"
)
