package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cldctl/cldctl-iac/test/provider/world"
)

type thingDataSource struct{ world world.World }

func (d *thingDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, response *datasource.MetadataResponse) {
	response.TypeName = "outside_thing"
}

func (d *thingDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, response *datasource.SchemaResponse) {
	response.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"name":     schema.StringAttribute{Required: true},
		"id":       schema.StringAttribute{Computed: true},
		"revision": schema.Int64Attribute{Computed: true},
		"value":    schema.StringAttribute{Computed: true},
		"secret":   schema.StringAttribute{Computed: true, Sensitive: true},
	}}
}

func (d *thingDataSource) Configure(_ context.Context, request datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	if opened, isWorld := request.ProviderData.(world.World); isWorld {
		d.world = opened
	}
}

func (d *thingDataSource) Read(ctx context.Context, request datasource.ReadRequest, response *datasource.ReadResponse) {
	var model struct {
		Name     types.String `tfsdk:"name"`
		ID       types.String `tfsdk:"id"`
		Revision types.Int64  `tfsdk:"revision"`
		Value    types.String `tfsdk:"value"`
		Secret   types.String `tfsdk:"secret"`
	}
	response.Diagnostics.Append(request.Config.Get(ctx, &model)...)
	if response.Diagnostics.HasError() {
		return
	}
	call := world.Call{Operation: "find", Name: model.Name.ValueString()}
	err := world.Do(ctx, d.world, call, nil, func(ctx context.Context) error {
		thing, err := d.world.Find(ctx, call.Name)
		if err != nil {
			return err
		}
		found := thingModel{}
		response.Diagnostics.Append(apply(ctx, thing, &found)...)
		model.ID, model.Revision, model.Value, model.Secret = found.ID, found.Revision, found.Value, found.Secret
		response.Diagnostics.Append(response.State.Set(ctx, &model)...)
		return nil
	})
	report(&response.Diagnostics, "finding", call.Name, err)
}
