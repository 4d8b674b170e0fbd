terraform {
  required_version = ">= 1.6"

  required_providers {
    docker = {
      source  = "kreuzwerker/docker"
      version = ">= 3.6, < 5.0"
    }
  }
}

# The engine whose socket the module is given: DOCKER_HOST, else /var/run/docker.sock.
provider "docker" {}
