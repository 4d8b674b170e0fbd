# Twenty resources that need no provider and no network.
variable "name" {
  type    = string
  default = "bench"
}

resource "terraform_data" "item" {
  count = 20
  input = "${var.name}-${count.index}"
}

output "first" {
  value = terraform_data.item[0].output
}
