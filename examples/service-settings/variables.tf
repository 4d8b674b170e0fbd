variable "service" {
  description = "Name of the service."
  type        = string
}

variable "replicas" {
  description = "How many copies run."
  type        = number
  default     = 2
}

variable "regions" {
  description = "Where they run."
  type        = list(string)
  default     = ["north"]
}

variable "token" {
  description = "What callers authenticate with."
  type        = string
  sensitive   = true
}
