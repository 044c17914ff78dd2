variable "name" {
  description = "Name of the network and what is in it."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "cidr" {
  description = "The network's private addresses."
  type        = string
}

variable "database_port" {
  description = "Port of PostgreSQL."
  type        = number
}

variable "smtp_port" {
  description = "Port of the mail server; null: closed."
  type        = number
}
