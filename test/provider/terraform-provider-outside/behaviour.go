package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/cldctl/cldctl-iac/test/provider/world"
)

// behaviourOf reads what the resource itself asks for in one of its operations.
func behaviourOf(ctx context.Context, behaviour types.Object, operation string) *world.Behaviour {
	if behaviour.IsNull() || behaviour.IsUnknown() {
		return nil
	}
	object, isObject := behaviour.Attributes()[operation].(types.Object)
	if !isObject || object.IsNull() || object.IsUnknown() {
		return nil
	}
	var model struct {
		Seconds      *float64 `tfsdk:"seconds"`
		Fail         *string  `tfsdk:"fail"`
		Hang         *bool    `tfsdk:"hang"`
		IgnoreCancel *bool    `tfsdk:"ignore_cancel"`
		Commit       *bool    `tfsdk:"commit"`
	}
	if object.As(ctx, &model, basetypes.ObjectAsOptions{}).HasError() {
		return nil
	}
	return &world.Behaviour{
		Seconds:      value(model.Seconds),
		Fail:         value(model.Fail),
		Hang:         value(model.Hang),
		IgnoreCancel: value(model.IgnoreCancel),
		Commit:       value(model.Commit),
	}
}

func value[T any](pointer *T) (none T) {
	if pointer == nil {
		return none
	}
	return *pointer
}
