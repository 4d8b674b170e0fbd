package main

import (
	"context"
	"errors"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/cldctl/cldctl-iac/test/provider/world"
)

func (p *outsideProvider) Check(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	inputs, err := unmarshal(request.News)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.CheckResponse{Inputs: request.News}
	if !inputs.HasValue("name") && !inputs["name"].ContainsUnknowns() {
		response.Failures = append(response.Failures, &pulumirpc.CheckFailure{Property: "name", Reason: "missing required property"})
	}
	return response, nil
}

func (p *outsideProvider) Create(ctx context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	inputs, err := unmarshal(request.Properties)
	if err != nil {
		return nil, err
	}
	if request.Preview {
		outputs, err := marshal(outputsOf(inputs, unknown, unknown))
		return &pulumirpc.CreateResponse{Properties: outputs}, err
	}
	name := plain(inputs)["name"].(string)
	id := world.NewID(name)
	outputs := outputsOf(inputs, resource.NewNumberProperty(1), resource.NewStringProperty("key-of-"+id))
	committed := false
	call := world.Call{Operation: "create", Name: name, ID: id}
	err = p.do(ctx, call, behaviourOf(inputs, "create"), func(ctx context.Context) error {
		err := p.world.Put(ctx, thingOf(id, 1, outputs))
		committed = err == nil
		return err
	})
	properties, marshalError := marshal(outputs)
	if err != nil && committed {
		return nil, partial(err, id, properties, request.Properties)
	}
	return &pulumirpc.CreateResponse{Id: id, Properties: properties}, errors.Join(err, marshalError)
}

func (p *outsideProvider) Read(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	oldInputs, err := unmarshal(request.Inputs)
	if err != nil {
		return nil, err
	}
	state, err := unmarshal(request.Properties)
	if err != nil {
		return nil, err
	}
	name, _ := plain(state)["name"].(string)
	call := world.Call{Operation: "read", Name: name, ID: request.Id}
	var thing world.Thing
	err = p.do(ctx, call, behaviourOf(oldInputs, "read"), func(ctx context.Context) (err error) {
		thing, err = p.world.Get(ctx, request.Id)
		return err
	})
	if errors.Is(err, world.ErrNotFound) {
		return &pulumirpc.ReadResponse{}, nil
	} else if err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	inputs := inputsOf(thing, oldInputs)
	revision, key := resource.NewNumberProperty(float64(thing.Revision)), resource.NewPropertyValue(numbers(thing.Properties["key"]))
	outputs, err := marshal(outputsOf(inputs, revision, key))
	if err != nil {
		return nil, err
	}
	marshalled, err := marshal(inputs)
	return &pulumirpc.ReadResponse{Id: thing.ID, Properties: outputs, Inputs: marshalled}, err
}

func (p *outsideProvider) Update(ctx context.Context, request *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	inputs, err := unmarshal(request.News)
	if err != nil {
		return nil, err
	}
	state, err := unmarshal(request.Olds)
	if err != nil {
		return nil, err
	}
	if request.Preview {
		outputs, err := marshal(outputsOf(inputs, unknown, state["key"]))
		return &pulumirpc.UpdateResponse{Properties: outputs}, err
	}
	revision := int64(plain(state)["revision"].(float64)) + 1
	outputs := outputsOf(inputs, resource.NewNumberProperty(float64(revision)), state["key"])
	call := world.Call{Operation: "update", Name: plain(inputs)["name"].(string), ID: request.Id}
	committed := false
	err = p.do(ctx, call, behaviourOf(inputs, "update"), func(ctx context.Context) error {
		err := p.world.Put(ctx, thingOf(request.Id, revision, outputs))
		committed = err == nil
		return err
	})
	properties, marshalError := marshal(outputs)
	if err != nil && committed {
		return nil, partial(err, request.Id, properties, request.News)
	}
	return &pulumirpc.UpdateResponse{Properties: properties}, errors.Join(err, marshalError)
}

func (p *outsideProvider) Delete(ctx context.Context, request *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	state, err := unmarshal(request.Properties)
	if err != nil {
		return nil, err
	}
	name, _ := plain(state)["name"].(string)
	call := world.Call{Operation: "delete", Name: name, ID: request.Id}
	return &emptypb.Empty{}, p.do(ctx, call, behaviourOf(state, "delete"), func(ctx context.Context) error {
		return p.world.Delete(ctx, request.Id)
	})
}

// Invoke answers outside:index:getThing.
func (p *outsideProvider) Invoke(ctx context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	arguments, err := unmarshal(request.Args)
	if err != nil {
		return nil, err
	}
	name, _ := plain(arguments)["name"].(string)
	var thing world.Thing
	err = p.do(ctx, world.Call{Operation: "find", Name: name}, nil, func(ctx context.Context) (err error) {
		thing, err = p.world.Find(ctx, name)
		return err
	})
	if err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	found := inputsOf(thing, nil)
	found["id"] = resource.NewStringProperty(thing.ID)
	found["revision"] = resource.NewNumberProperty(float64(thing.Revision))
	result, err := marshal(found)
	return &pulumirpc.InvokeResponse{Return: result}, err
}
