output "endpoint" {
  value = "https://${terraform_data.settings.input.service}.example.com"
}

output "replicas" {
  value = terraform_data.settings.input.replicas
}

output "token" {
  value     = terraform_data.credentials.input
  sensitive = true
}
