variable "name" {
  description = "Name of the server's container; also the prefix of its volume."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_.-]{0,62}$", var.name))
    error_message = "The name must be 1 to 63 lower-case letters, digits, \".\", \"_\" or \"-\", starting with a letter or digit."
  }
}

# Answers to the input "version": OpenTofu keeps that name for module blocks.
variable "version_" {
  description = "Major version of PostgreSQL."
  type        = string
  default     = "16"

  validation {
    condition     = can(regex("^[0-9]+(\\.[0-9]+)?$", var.version_))
    error_message = "The version must be a number such as 16 or 16.4."
  }
}

variable "image" {
  description = "Image of the server; the default is the public image of that version."
  type        = string
  default     = null
}

variable "database" {
  description = "Name of the database and of its owner."
  type        = string
  default     = "app"
}

variable "listen" {
  description = "Address of the Docker host that the server is published on."
  type        = string
  default     = "127.0.0.1"
}

variable "port" {
  description = "Port on the Docker host; null lets Docker choose a free one."
  type        = number
  default     = null
}
