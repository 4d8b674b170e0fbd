resource "terraform_data" "settings" {
  input = {
    service  = var.service
    replicas = var.replicas
    regions  = var.regions
  }
}

resource "terraform_data" "credentials" {
  input = var.token
}
