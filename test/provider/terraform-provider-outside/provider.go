package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cldctl/cldctl-iac/test/provider/world"
)

type outsideProvider struct{}

func newProvider() provider.Provider { return outsideProvider{} }

func (outsideProvider) Metadata(_ context.Context, _ provider.MetadataRequest, response *provider.MetadataResponse) {
	response.TypeName = "outside"
	response.Version = "1.0.0"
}

func (outsideProvider) Schema(_ context.Context, _ provider.SchemaRequest, response *provider.SchemaResponse) {
	response.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"url":       schema.StringAttribute{Optional: true, Description: "Server; default OUTSIDE_URL."},
		"directory": schema.StringAttribute{Optional: true, Description: "Directory; default OUTSIDE_DIR."},
		"token":     schema.StringAttribute{Optional: true, Sensitive: true},
	}}
}

func (outsideProvider) Configure(ctx context.Context, request provider.ConfigureRequest, response *provider.ConfigureResponse) {
	var config struct {
		URL       types.String `tfsdk:"url"`
		Directory types.String `tfsdk:"directory"`
		Token     types.String `tfsdk:"token"`
	}
	response.Diagnostics.Append(request.Config.Get(ctx, &config)...)
	opened, err := world.Open(config.URL.ValueString(), config.Directory.ValueString())
	if err != nil {
		response.Diagnostics.AddError("Outside world not reachable", err.Error())
		return
	}
	response.ResourceData, response.DataSourceData = opened, opened
}

func (outsideProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &thingResource{} }}
}

func (outsideProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{func() datasource.DataSource { return &thingDataSource{} }}
}
