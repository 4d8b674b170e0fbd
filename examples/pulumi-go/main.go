package main

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		settings := config.New(ctx, "")
		service := settings.Require("service")
		replicas := settings.RequireInt("replicas")
		var regions []string
		settings.RequireObject("regions", &regions)

		if _, err := pulumi.NewStash(ctx, "settings", &pulumi.StashArgs{
			Input: pulumi.Map{
				"service":  pulumi.String(service),
				"replicas": pulumi.Int(replicas),
				"regions":  pulumi.ToStringArray(regions),
			},
		}); err != nil {
			return err
		}
		credentials, err := pulumi.NewStash(ctx, "credentials", &pulumi.StashArgs{
			Input: settings.RequireSecret("token"),
		})
		if err != nil {
			return err
		}

		ctx.Export("endpoint", pulumi.String(fmt.Sprintf("https://%s.example.com", service)))
		ctx.Export("replicas", pulumi.Int(replicas))
		ctx.Export("token", credentials.Input)
		return nil
	})
}
