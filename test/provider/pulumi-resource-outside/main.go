// Command pulumi-resource-outside is the Pulumi provider of the same things: type outside:index:Thing.
package main

import (
	"log"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func main() {
	err := provider.Main("outside", func(*provider.HostClient) (pulumirpc.ResourceProviderServer, error) {
		return newProvider(), nil
	})
	if err != nil {
		log.Fatal(err)
	}
}
