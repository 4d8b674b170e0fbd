package main

import (
	"encoding/json"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/cldctl/cldctl-iac/test/provider/world"
)

var unknown = resource.MakeComputed(resource.NewStringProperty(""))

func unmarshal(properties *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(properties, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, SkipNulls: true})
}

func marshal(properties resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(properties, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, SkipNulls: true})
}

func withoutSecrets(properties resource.PropertyMap) resource.PropertyMap {
	return open(resource.NewObjectProperty(properties)).ObjectValue()
}

func open(value resource.PropertyValue) resource.PropertyValue {
	switch {
	case value.IsSecret():
		return open(value.SecretValue().Element)
	case value.IsArray():
		list := make([]resource.PropertyValue, len(value.ArrayValue()))
		for index, element := range value.ArrayValue() {
			list[index] = open(element)
		}
		return resource.NewArrayProperty(list)
	case value.IsObject():
		object := resource.PropertyMap{}
		for name, element := range value.ObjectValue() {
			object[name] = open(element)
		}
		return resource.NewObjectProperty(object)
	}
	return value
}

// plain gives the values as JSON has them, secrets in clear.
func plain(properties resource.PropertyMap) map[string]any {
	return withoutSecrets(properties).Mappable()
}

// outputsOf marks what is secret by its nature; what came as a secret stays one.
func outputsOf(inputs resource.PropertyMap, revision, key resource.PropertyValue) resource.PropertyMap {
	outputs := inputs.Copy()
	outputs["revision"] = revision
	outputs["key"] = secret(key)
	return markSecrets(outputs)
}

func markSecrets(properties resource.PropertyMap) resource.PropertyMap {
	if value, isSet := properties["secret"]; isSet {
		properties["secret"] = secret(value)
	}
	if nested := properties["nested"]; nested.IsObject() {
		if value, isSet := nested.ObjectValue()["secret"]; isSet {
			copied := nested.ObjectValue().Copy()
			copied["secret"] = secret(value)
			properties["nested"] = resource.NewObjectProperty(copied)
		}
	}
	return properties
}

func secret(value resource.PropertyValue) resource.PropertyValue {
	if value.IsSecret() {
		return value
	}
	return resource.MakeSecret(value)
}

func thingOf(id string, revision int64, outputs resource.PropertyMap) world.Thing {
	properties := plain(outputs)
	name := properties["name"].(string)
	for _, own := range []string{"name", "revision", "behaviour"} {
		delete(properties, own)
	}
	if ports, isSet := properties["ports"]; isSet { // the name that both providers share in the world
		delete(properties, "ports")
		properties["port"] = ports
	}
	return world.Thing{ID: id, Name: name, Revision: revision, Properties: properties}
}

// inputsOf gives what a program would have to say to get this thing; behaviour is not part of the world.
func inputsOf(thing world.Thing, old resource.PropertyMap) resource.PropertyMap {
	inputs := resource.PropertyMap{"name": resource.NewStringProperty(thing.Name)}
	for name, value := range thing.Properties {
		switch name {
		case "key":
		case "port":
			if list, isList := value.([]any); isList && len(list) > 0 {
				inputs["ports"] = resource.NewPropertyValue(numbers(list))
			}
		default:
			inputs[resource.PropertyKey(name)] = resource.NewPropertyValue(numbers(value))
		}
	}
	if behaviour, isSet := old["behaviour"]; isSet {
		inputs["behaviour"] = behaviour
	}
	return markSecrets(inputs)
}

// numbers makes doubles of numbers: the engine has no others.
func numbers(value any) any {
	switch value := value.(type) {
	case json.Number:
		double, _ := value.Float64()
		return double
	case []any:
		list := make([]any, len(value))
		for index, element := range value {
			list[index] = numbers(element)
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, element := range value {
			object[name] = numbers(element)
		}
		return object
	}
	return value
}

func behaviourOf(inputs resource.PropertyMap, operation string) *world.Behaviour {
	behaviours, isObject := plain(inputs)["behaviour"].(map[string]any)
	if !isObject {
		return nil
	}
	text, err := json.Marshal(behaviours[operation])
	behaviour := &world.Behaviour{}
	if err != nil || json.Unmarshal(text, behaviour) != nil {
		return nil
	}
	return behaviour
}

// partial says that the thing is there although the operation failed.
func partial(err error, id string, properties, inputs *structpb.Struct) error {
	detailed, detailError := status.New(codes.Unknown, err.Error()).WithDetails(&pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: properties, Reasons: []string{err.Error()}, Inputs: inputs,
	})
	if detailError != nil {
		return err
	}
	return detailed.Err()
}
