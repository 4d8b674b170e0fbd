package main

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// thingModel has a field for every kind of attribute that a plan can show.
type thingModel struct {
	ID        types.String `tfsdk:"id"`
	Revision  types.Int64  `tfsdk:"revision"`
	Key       types.String `tfsdk:"key"`
	Name      types.String `tfsdk:"name"`
	Frozen    types.String `tfsdk:"frozen"`
	Value     types.String `tfsdk:"value"`
	Secret    types.String `tfsdk:"secret"`
	Size      types.Number `tfsdk:"size"`
	Enabled   types.Bool   `tfsdk:"enabled"`
	Tags      types.Map    `tfsdk:"tags"`
	List      types.List   `tfsdk:"list"`
	Set       types.Set    `tfsdk:"set"`
	Nested    types.Object `tfsdk:"nested"`
	Ports     types.List   `tfsdk:"port"`
	Behaviour types.Object `tfsdk:"behaviour"`
}

var nestedTypes = map[string]attr.Type{
	"text":   types.StringType,
	"secret": types.StringType,
	"size":   types.NumberType,
	"items":  types.ListType{ElemType: types.StringType},
}

var portTypes = map[string]attr.Type{"internal": types.Int64Type, "external": types.Int64Type}

var thingSchema = schema.Schema{
	Attributes: map[string]schema.Attribute{
		"id": schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}},
		// Rises with each update, so it is unknown in the plan of one.
		"revision": schema.Int64Attribute{Computed: true},
		"key":      schema.StringAttribute{Computed: true, Sensitive: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}},
		"name":     schema.StringAttribute{Required: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}},
		"frozen":   schema.StringAttribute{Optional: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}},
		"value":    schema.StringAttribute{Optional: true},
		"secret":   schema.StringAttribute{Optional: true, Sensitive: true},
		"size":     schema.NumberAttribute{Optional: true},
		"enabled":  schema.BoolAttribute{Optional: true},
		"tags":     schema.MapAttribute{Optional: true, ElementType: types.StringType},
		"list":     schema.ListAttribute{Optional: true, ElementType: types.StringType},
		"set":      schema.SetAttribute{Optional: true, ElementType: types.StringType},
		"nested": schema.SingleNestedAttribute{Optional: true, Attributes: map[string]schema.Attribute{
			"text":   schema.StringAttribute{Optional: true},
			"secret": schema.StringAttribute{Optional: true, Sensitive: true},
			"size":   schema.NumberAttribute{Optional: true},
			"items":  schema.ListAttribute{Optional: true, ElementType: types.StringType},
		}},
		"behaviour": schema.SingleNestedAttribute{Optional: true, Attributes: map[string]schema.Attribute{
			"create": behaviourAttribute, "read": behaviourAttribute, "update": behaviourAttribute, "delete": behaviourAttribute,
		}},
	},
	Blocks: map[string]schema.Block{
		"port": schema.ListNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
			"internal": schema.Int64Attribute{Required: true, PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplace()}},
			"external": schema.Int64Attribute{Optional: true},
		}}},
	},
}

var behaviourAttribute = schema.SingleNestedAttribute{Optional: true, Attributes: map[string]schema.Attribute{
	"seconds":       schema.NumberAttribute{Optional: true},
	"fail":          schema.StringAttribute{Optional: true},
	"hang":          schema.BoolAttribute{Optional: true},
	"ignore_cancel": schema.BoolAttribute{Optional: true},
	"commit":        schema.BoolAttribute{Optional: true},
}}
