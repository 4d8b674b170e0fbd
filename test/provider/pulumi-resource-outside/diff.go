package main

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// What forces a replacement.
var immutable = regexp.MustCompile(`^(name|frozen)$|^ports\[\d+\]\.internal$`)

// Diff compares what is there with what is wanted.
func (p *outsideProvider) Diff(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, err := unmarshal(request.Olds)
	if err != nil {
		return nil, err
	}
	news, err := unmarshal(request.News)
	if err != nil {
		return nil, err
	}
	olds, news = withoutSecrets(olds), withoutSecrets(news)
	delete(olds, "revision")
	delete(olds, "key")
	for _, ignored := range request.IgnoreChanges {
		name := resource.PropertyKey(strings.SplitN(ignored, ".", 2)[0])
		news[name] = olds[name]
	}
	detailed := plugin.NewDetailedDiffFromObjectDiff(olds.Diff(news), false)
	if len(detailed) == 0 {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	response := &pulumirpc.DiffResponse{
		Changes:         pulumirpc.DiffResponse_DIFF_SOME,
		HasDetailedDiff: true,
		DetailedDiff:    map[string]*pulumirpc.PropertyDiff{},
		Stables:         []string{"key"},
	}
	for path, difference := range detailed {
		top, _, _ := strings.Cut(strings.ReplaceAll(path, "[", "."), ".")
		kind := difference.Kind
		if immutable.MatchString(path) {
			kind = kind.AsReplace()
			response.Replaces = append(response.Replaces, top)
		}
		response.Diffs = append(response.Diffs, top)
		response.DetailedDiff[path] = &pulumirpc.PropertyDiff{Kind: pulumirpc.PropertyDiff_Kind(kind)}
	}
	slices.Sort(response.Diffs)
	response.Diffs = slices.Compact(response.Diffs)
	return response, nil
}
