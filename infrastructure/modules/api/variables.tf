variable "name" {
  description = "Prefix of the names of the gateway and the role."
  type        = string
}

variable "image_uri" {
  description = "The image of the target parakeet-lambda, with its tag."
  type        = string
}

variable "architecture" {
  description = "X86_64 or ARM64."
  type        = string
}

variable "functions" {
  description = "The Lambdas by name: which handler of the code each runs, and which routes lead to it."
  type        = map(object({ handler = string, routes = list(string), description = string }))
}

variable "memory_mb" {
  description = "Memory of each Lambda."
  type        = number
}

variable "concurrency" {
  description = "Requests at a time of each Lambda; -1: as many as the account allows."
  type        = number
}

variable "requests_per_second" {
  description = "So many requests a second the gateway lets through, of everybody together."
  type        = number
}

variable "burst" {
  description = "So many requests at once the gateway lets through."
  type        = number
}

variable "environment" {
  description = "Environment variables of the Lambdas."
  type        = map(string)
}

variable "data_policy" {
  description = "IAM policy, as JSON: what the API may do with the data."
  type        = string
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
}
