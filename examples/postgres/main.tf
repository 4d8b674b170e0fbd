# A password that is made once and stays: uuid() is new at every plan, the stored one is kept. Not in `input`, whose copy in
# `output` would be shown in clear.
resource "terraform_data" "password" {
  triggers_replace = sensitive(uuid())

  lifecycle {
    ignore_changes = [triggers_replace]
  }
}

locals {
  password = terraform_data.password.triggers_replace
}

resource "docker_image" "server" {
  name         = coalesce(var.image, "postgres:${var.version_}")
  keep_locally = true
}

resource "docker_volume" "data" {
  name = "${var.name}-data"
}

resource "docker_container" "server" {
  name    = var.name
  image   = docker_image.server.image_id
  restart = "unless-stopped"

  # Apply ends when the server takes connections, not when its container starts.
  wait         = true
  wait_timeout = 120

  env = [
    "POSTGRES_USER=${var.database}",
    "POSTGRES_DB=${var.database}",
    "POSTGRES_PASSWORD=${local.password}",
  ]

  ports {
    internal = 5432
    external = var.port
    ip       = var.listen
  }

  volumes {
    volume_name    = docker_volume.data.name
    container_path = "/var/lib/postgresql/data"
  }

  healthcheck {
    # Over TCP: while the data directory is being made, the server listens on its socket only.
    test     = ["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", var.database]
    interval = "1s"
    timeout  = "5s"
    retries  = 120
  }
}
