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

variable "functions" {
  description = "The Lambdas that read the second image."
  type        = list(string)
}

variable "protect_data" {
  description = "Whether a repository with images stops `terraform destroy`."
  type        = bool
}
