output "host" {
  description = "Address that the server is published on."
  value       = var.listen
}

output "port" {
  description = "Port that the server is published on."
  value       = docker_container.server.ports[0].external
}

output "url" {
  description = "Connection string of the database's owner."
  value       = "postgresql://${var.database}:${local.password}@${var.listen}:${docker_container.server.ports[0].external}/${var.database}?sslmode=disable"
  sensitive   = true
}
