variable "name" {
  description = "Stands for `parakeet` in the names of the repositories."
  type        = string
}

variable "account_id" {
  description = "AWS account."
  type        = string
}

variable "region" {
  description = "AWS region."
  type        = string
}

variable "function_name" {
  description = "The Lambda that reads the second image."
  type        = string
}

variable "protect_data" {
  description = "Whether a repository with images stops `terraform destroy`."
  type        = bool
}
