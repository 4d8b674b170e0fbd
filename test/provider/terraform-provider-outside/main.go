// Command terraform-provider-outside is a provider whose resources live in a directory or behind a test's server.
package main

import (
	"context"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
)

func main() {
	err := providerserver.Serve(context.Background(), newProvider, providerserver.ServeOpts{
		Address: "registry.opentofu.org/cldctl/outside",
	})
	if err != nil {
		log.Fatal(err)
	}
}
