package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// attributeOf makes a typed value of a JSON value; an absent one is null.
func attributeOf(ctx context.Context, value any, kind attr.Type) (attr.Value, diag.Diagnostics) {
	var diagnostics diag.Diagnostics
	raw, err := rawValue(ctx, value, kind)
	if err == nil {
		var made attr.Value
		if made, err = kind.ValueFromTerraform(ctx, raw); err == nil {
			return made, diagnostics
		}
	}
	diagnostics.AddError("Thing does not fit the schema", err.Error())
	null, _ := kind.ValueFromTerraform(ctx, tftypes.NewValue(kind.TerraformType(ctx), nil))
	return null, diagnostics
}

func rawValue(ctx context.Context, value any, kind attr.Type) (raw tftypes.Value, err error) {
	wire := kind.TerraformType(ctx)
	switch typed := value.(type) {
	case nil:
		return tftypes.NewValue(wire, nil), nil
	case string, bool:
		return tftypes.NewValue(wire, typed), tftypes.ValidateValue(wire, typed)
	case json.Number:
		return tftypes.NewValue(wire, bigFloat(typed)), nil
	case []any:
		element := kind.(attr.TypeWithElementType).ElementType()
		list := make([]tftypes.Value, len(typed))
		for index, entry := range typed {
			if list[index], err = rawValue(ctx, entry, element); err != nil {
				return raw, err
			}
		}
		return tftypes.NewValue(wire, list), nil
	case map[string]any:
		return rawMap(ctx, typed, kind)
	}
	return raw, fmt.Errorf("%T is not a value of type %s", value, kind)
}

func rawMap(ctx context.Context, entries map[string]any, kind attr.Type) (raw tftypes.Value, err error) {
	values := map[string]tftypes.Value{}
	if object, isObject := kind.(types.ObjectType); isObject {
		for name, attribute := range object.AttrTypes {
			if values[name], err = rawValue(ctx, entries[name], attribute); err != nil {
				return raw, err
			}
		}
	} else {
		element := kind.(attr.TypeWithElementType).ElementType()
		for name, entry := range entries {
			if values[name], err = rawValue(ctx, entry, element); err != nil {
				return raw, err
			}
		}
	}
	return tftypes.NewValue(kind.TerraformType(ctx), values), nil
}
