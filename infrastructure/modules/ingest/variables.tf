variable "name" {
  description = "Name of the group of schedules."
  type        = string
}

variable "account_id" {
  description = "AWS account."
  type        = string
}

variable "function_name" {
  description = "Name of the Lambda."
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

variable "memory_mb" {
  description = "Memory of the Lambda."
  type        = number
}

variable "storage_mb" {
  description = "Size of the Lambda's /tmp."
  type        = number
}

variable "retries" {
  description = "How often a failed call is made again."
  type        = number
}

variable "concurrency" {
  description = "Calls at a time; -1: as many as the account allows."
  type        = number
}

variable "tracing" {
  description = "Whether X-Ray traces the Lambda."
  type        = bool
}

variable "schedules" {
  description = "When the Lambda is called, as cron(...) in UTC, and with which event, as JSON."
  type        = map(object({ expression = string, event = string, description = string }))
}

variable "enabled" {
  description = "Whether the schedules call the Lambda."
  type        = bool
}

variable "environment" {
  description = "Environment variables of the Lambda."
  type        = map(string)
}

variable "data_policy" {
  description = "IAM policy, as JSON: what the job may do with the data."
  type        = string
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
}
