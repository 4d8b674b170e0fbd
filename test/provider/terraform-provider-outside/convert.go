package main

import (
	"context"
	"encoding/json"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/cldctl/cldctl-iac/test/provider/world"
)

// thingOf writes what is set; a null attribute is an absent property.
func thingOf(model thingModel) world.Thing {
	properties := map[string]any{}
	for name, attribute := range map[string]attr.Value{
		"key": model.Key, "frozen": model.Frozen, "value": model.Value, "secret": model.Secret, "size": model.Size,
		"enabled": model.Enabled, "tags": model.Tags, "list": model.List, "set": model.Set, "nested": model.Nested, "port": model.Ports,
	} {
		if plain := plainValue(attribute); plain != nil {
			properties[name] = plain
		}
	}
	return world.Thing{ID: model.ID.ValueString(), Name: model.Name.ValueString(), Revision: model.Revision.ValueInt64(), Properties: properties}
}

func plainValue(attribute attr.Value) any {
	if attribute.IsNull() || attribute.IsUnknown() {
		return nil
	}
	switch attribute := attribute.(type) {
	case types.String:
		return attribute.ValueString()
	case types.Bool:
		return attribute.ValueBool()
	case types.Int64:
		return attribute.ValueInt64()
	case types.Number:
		return json.Number(attribute.ValueBigFloat().Text('f', -1))
	case types.List:
		return plainList(attribute.Elements())
	case types.Set:
		return plainList(attribute.Elements())
	case types.Map:
		return plainMap(attribute.Elements())
	case types.Object:
		return plainMap(attribute.Attributes())
	}
	return nil
}

func plainList(elements []attr.Value) []any {
	list := make([]any, len(elements))
	for index, element := range elements {
		list[index] = plainValue(element)
	}
	return list
}

func plainMap(elements map[string]attr.Value) map[string]any {
	entries := make(map[string]any, len(elements))
	for name, element := range elements {
		entries[name] = plainValue(element)
	}
	return entries
}

// apply brings what the world says into the model.
func apply(ctx context.Context, thing world.Thing, model *thingModel) diag.Diagnostics {
	properties := thing.Properties
	stringType := types.StringType
	var diagnostics diag.Diagnostics
	convert := func(name string, kind attr.Type) attr.Value {
		value, errs := attributeOf(ctx, properties[name], kind)
		diagnostics.Append(errs...)
		return value
	}
	model.ID, model.Name = types.StringValue(thing.ID), types.StringValue(thing.Name)
	model.Revision = types.Int64Value(thing.Revision)
	model.Key = convert("key", stringType).(types.String)
	model.Frozen = convert("frozen", stringType).(types.String)
	model.Value = convert("value", stringType).(types.String)
	model.Secret = convert("secret", stringType).(types.String)
	model.Size = convert("size", types.NumberType).(types.Number)
	model.Enabled = convert("enabled", types.BoolType).(types.Bool)
	model.Tags = convert("tags", types.MapType{ElemType: stringType}).(types.Map)
	model.List = convert("list", types.ListType{ElemType: stringType}).(types.List)
	model.Set = convert("set", types.SetType{ElemType: stringType}).(types.Set)
	model.Nested = convert("nested", types.ObjectType{AttrTypes: nestedTypes}).(types.Object)
	if properties["port"] == nil {
		properties["port"] = []any{} // a block that isn't there is an empty list
	}
	model.Ports = convert("port", types.ListType{ElemType: types.ObjectType{AttrTypes: portTypes}}).(types.List)
	return diagnostics
}

func bigFloat(number json.Number) *big.Float {
	float, _, err := big.ParseFloat(number.String(), 10, 512, big.ToNearestEven)
	if err != nil {
		return big.NewFloat(0)
	}
	return float
}
