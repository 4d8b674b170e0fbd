package main

import (
	"context"
	_ "embed"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/cldctl/cldctl-iac/test/provider/world"
)

const version = "1.0.0"

//go:embed schema.json
var schema string

// outsideProvider opens the world when it is configured; Cancel ends every operation that listens.
type outsideProvider struct {
	pulumirpc.UnimplementedResourceProviderServer
	world     world.World
	cancelled chan struct{}
	cancel    func()
}

func newProvider() *outsideProvider {
	cancelled := make(chan struct{})
	return &outsideProvider{cancelled: cancelled, cancel: sync.OnceFunc(func() { close(cancelled) })}
}

func (p *outsideProvider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

func (p *outsideProvider) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: schema}, nil
}

func (p *outsideProvider) CheckConfig(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: request.News}, nil
}

func (p *outsideProvider) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

func (p *outsideProvider) Configure(_ context.Context, request *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	properties, err := unmarshal(request.Args)
	if err != nil {
		return nil, err
	}
	text := func(name string) string {
		if value := plain(properties)[name]; value != nil {
			return value.(string)
		}
		return ""
	}
	if p.world, err = world.Open(text("url"), text("directory")); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, SupportsPreview: true}, nil
}

func (p *outsideProvider) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Cancel is how the engine asks to stop.
func (p *outsideProvider) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	p.cancel()
	return &emptypb.Empty{}, nil
}

// do runs one operation under a context that Cancel ends too.
func (p *outsideProvider) do(ctx context.Context, call world.Call, behaviour *world.Behaviour, action func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-p.cancelled:
			stop()
		case <-ctx.Done():
		}
	}()
	return world.Do(ctx, p.world, call, behaviour, action)
}
