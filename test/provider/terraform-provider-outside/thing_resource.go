package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cldctl/cldctl-iac/test/provider/world"
)

type thingResource struct{ world world.World }

func (r *thingResource) Metadata(_ context.Context, _ resource.MetadataRequest, response *resource.MetadataResponse) {
	response.TypeName = "outside_thing"
}

func (r *thingResource) Schema(_ context.Context, _ resource.SchemaRequest, response *resource.SchemaResponse) {
	response.Schema = thingSchema
}

func (r *thingResource) Configure(_ context.Context, request resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	if opened, isWorld := request.ProviderData.(world.World); isWorld {
		r.world = opened
	}
}

func (r *thingResource) Create(ctx context.Context, request resource.CreateRequest, response *resource.CreateResponse) {
	var model thingModel
	response.Diagnostics.Append(request.Plan.Get(ctx, &model)...)
	if response.Diagnostics.HasError() {
		return
	}
	id := world.NewID(model.Name.ValueString())
	call := world.Call{Operation: "create", Name: model.Name.ValueString(), ID: id}
	err := world.Do(ctx, r.world, call, behaviourOf(ctx, model.Behaviour, "create"), func(ctx context.Context) error {
		model.ID, model.Revision = types.StringValue(id), types.Int64Value(1)
		model.Key = types.StringValue("key-of-" + id)
		if err := r.world.Put(ctx, thingOf(model)); err != nil {
			return err
		}
		response.Diagnostics.Append(response.State.Set(ctx, &model)...)
		return nil
	})
	report(&response.Diagnostics, "creating", call.Name, err)
}

func (r *thingResource) Read(ctx context.Context, request resource.ReadRequest, response *resource.ReadResponse) {
	var model thingModel
	response.Diagnostics.Append(request.State.Get(ctx, &model)...)
	if response.Diagnostics.HasError() {
		return
	}
	call := world.Call{Operation: "read", Name: model.Name.ValueString(), ID: model.ID.ValueString()}
	err := world.Do(ctx, r.world, call, behaviourOf(ctx, model.Behaviour, "read"), func(ctx context.Context) error {
		thing, err := r.world.Get(ctx, call.ID)
		if err != nil {
			return err
		}
		response.Diagnostics.Append(apply(ctx, thing, &model)...)
		response.Diagnostics.Append(response.State.Set(ctx, &model)...)
		return nil
	})
	if errors.Is(err, world.ErrNotFound) {
		response.State.RemoveResource(ctx)
		return
	}
	report(&response.Diagnostics, "reading", call.Name, err)
}

func (r *thingResource) Update(ctx context.Context, request resource.UpdateRequest, response *resource.UpdateResponse) {
	var model, prior thingModel
	response.Diagnostics.Append(request.Plan.Get(ctx, &model)...)
	response.Diagnostics.Append(request.State.Get(ctx, &prior)...)
	if response.Diagnostics.HasError() {
		return
	}
	call := world.Call{Operation: "update", Name: model.Name.ValueString(), ID: prior.ID.ValueString()}
	err := world.Do(ctx, r.world, call, behaviourOf(ctx, model.Behaviour, "update"), func(ctx context.Context) error {
		model.ID, model.Revision, model.Key = prior.ID, types.Int64Value(prior.Revision.ValueInt64()+1), prior.Key
		if err := r.world.Put(ctx, thingOf(model)); err != nil {
			return err
		}
		response.Diagnostics.Append(response.State.Set(ctx, &model)...)
		return nil
	})
	report(&response.Diagnostics, "updating", call.Name, err)
}

func (r *thingResource) Delete(ctx context.Context, request resource.DeleteRequest, response *resource.DeleteResponse) {
	var model thingModel
	response.Diagnostics.Append(request.State.Get(ctx, &model)...)
	if response.Diagnostics.HasError() {
		return
	}
	call := world.Call{Operation: "delete", Name: model.Name.ValueString(), ID: model.ID.ValueString()}
	err := world.Do(ctx, r.world, call, behaviourOf(ctx, model.Behaviour, "delete"), func(ctx context.Context) error {
		return r.world.Delete(ctx, call.ID)
	})
	report(&response.Diagnostics, "deleting", call.Name, err)
}

func (r *thingResource) ImportState(ctx context.Context, request resource.ImportStateRequest, response *resource.ImportStateResponse) {
	thing, err := r.world.Get(ctx, request.ID)
	if errors.Is(err, world.ErrNotFound) {
		thing.ID = request.ID // the read that follows finds nothing
	} else if err != nil {
		report(&response.Diagnostics, "importing", request.ID, err)
		return
	}
	response.Diagnostics.Append(response.State.SetAttribute(ctx, path.Root("id"), thing.ID)...)
	response.Diagnostics.Append(response.State.SetAttribute(ctx, path.Root("name"), thing.Name)...)
}

func report(diagnostics *diag.Diagnostics, doing, name string, err error) {
	if err != nil {
		diagnostics.AddError(fmt.Sprintf("Error %s thing %s", doing, name), err.Error())
	}
}
