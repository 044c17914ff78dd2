variable "name" {
  description = "Name of the cluster and prefix of what belongs to it."
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

variable "image_uri" {
  description = "The image of the target parakeet, with its tag."
  type        = string
}

variable "repository_arn" {
  description = "The repository of that image."
  type        = string
}

variable "architecture" {
  description = "X86_64 or ARM64."
  type        = string
}

variable "server_size" {
  description = "Processor (1024 is one) and memory (MiB) of the server task."
  type        = object({ cpu = number, memory = number })
}

variable "run_size" {
  description = "Processor (1024 is one) and memory (MiB) of the task of a run."
  type        = object({ cpu = number, memory = number })
}

variable "subnet_ids" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the tasks."
  type        = list(string)
}

variable "environment" {
  description = "Environment variables of every container."
  type        = map(string)
}

variable "alert_secrets" {
  description = "Keys of the alerts' secret that become environment variables."
  type        = set(string)
}

variable "alerts_secret_arn" {
  description = "The alerts' secret; null where there are no such keys."
  type        = string
}

variable "data_policy" {
  description = "IAM policy, as JSON: what a run may do with the data."
  type        = string
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
}
